-- The ledger. Amounts are base units, 1e-6 FOG. Times are microseconds since 1970, 0 for none.

-- One row: the number of the latest movement. Every commit raises it from what it was when the commit was decided.
CREATE TABLE fog_ledger_head (
	id  INTEGER PRIMARY KEY CHECK (id = 1),
	seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;
INSERT INTO fog_ledger_head (id, seq) VALUES (1, 0);

-- Compartments of accounts, with their balances. An account is named after its owner.
CREATE TABLE fog_ledger_accounts (
	number     INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant     TEXT    NOT NULL,
	owner      TEXT    NOT NULL,
	kind       TEXT    NOT NULL, -- available, held, mint
	creator    TEXT    NOT NULL, -- who caused its first movement
	balance    INTEGER NOT NULL CHECK (balance BETWEEN -1000000000000000 AND 1000000000000000),
	updated_at INTEGER NOT NULL,
	UNIQUE (tenant, owner, kind),
	CHECK (balance >= 0 OR kind = 'mint')
) STRICT;

CREATE TABLE fog_ledger_holds (
	tenant      TEXT    NOT NULL,
	id          TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- who pays; empty in a tombstone
	creator     TEXT    NOT NULL,
	amount      INTEGER NOT NULL CHECK (amount >= 0),
	captured    INTEGER NOT NULL CHECK (captured >= 0),
	returned    INTEGER NOT NULL CHECK (returned >= 0),
	state       TEXT    NOT NULL CHECK (state IN ('open', 'settled', 'voided')),
	created_at  INTEGER NOT NULL,
	resolved_at INTEGER NOT NULL, -- 0 while open
	PRIMARY KEY (tenant, id),
	CHECK (captured + returned <= amount),
	CHECK (state = 'open' OR captured + returned = amount)
) STRICT;
CREATE INDEX fog_ledger_holds_resolved ON fog_ledger_holds (resolved_at) WHERE state <> 'open';

-- Movements: the ledger itself, never changed, never deleted. Their keys make every request idempotent for ever.
CREATE TABLE fog_ledger_movements (
	seq     INTEGER PRIMARY KEY,
	tenant  TEXT    NOT NULL,
	op      TEXT    NOT NULL, -- genesis, hold, capture, void, transfer
	key     TEXT    NOT NULL,
	digest  BLOB    NOT NULL, -- SHA-256 of the request's body
	owner   TEXT    NOT NULL, -- who pays
	creator TEXT    NOT NULL, -- who asked
	hold    TEXT    NOT NULL, -- empty: concerns no hold
	memo    TEXT    NOT NULL,
	at      INTEGER NOT NULL,
	UNIQUE (tenant, op, key)
) STRICT;

-- Postings: the lines of movements. Those of one movement add up to 0.
CREATE TABLE fog_ledger_postings (
	seq     INTEGER NOT NULL, -- the movement
	n       INTEGER NOT NULL,
	account INTEGER NOT NULL, -- fog_ledger_accounts.number
	amount  INTEGER NOT NULL CHECK (amount <> 0),
	balance INTEGER NOT NULL, -- of the account after this line
	PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX fog_ledger_postings_account ON fog_ledger_postings (account, seq, n);

-- Running sums, so that figures cost nothing.
CREATE TABLE fog_ledger_tally (
	tenant TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	hour   INTEGER NOT NULL, -- hours since 1970; 0: over all time
	value  INTEGER NOT NULL,
	PRIMARY KEY (tenant, name, hour)
) STRICT, WITHOUT ROWID;

-- Requests of servers that may not write the ledger, and the verdicts on them.
CREATE TABLE fog_ledger_requests (
	number     INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant     TEXT    NOT NULL,
	owner      TEXT    NOT NULL,
	creator    TEXT    NOT NULL,
	op         TEXT    NOT NULL,
	body       TEXT    NOT NULL, -- JSON
	created_at INTEGER NOT NULL,
	decided_at INTEGER NOT NULL DEFAULT 0, -- 0: waits
	ok         INTEGER NOT NULL DEFAULT 0,
	error_kind INTEGER NOT NULL DEFAULT 0,
	error_op   TEXT    NOT NULL DEFAULT '',
	field      TEXT    NOT NULL DEFAULT '',
	detail     TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX fog_ledger_requests_waiting ON fog_ledger_requests (number) WHERE decided_at = 0;
CREATE INDEX fog_ledger_requests_decided ON fog_ledger_requests (decided_at) WHERE decided_at > 0;
