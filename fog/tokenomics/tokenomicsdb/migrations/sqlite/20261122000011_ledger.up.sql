-- The ledger. Amounts are base units, 1e-6 FOG. Times are microseconds since 1970, 0 for none. Keys are compared byte by byte.

-- One row: the number of the latest movement and the hash of the latest block. Every commit moves it on from where it stood
-- when the commit was decided.
CREATE TABLE fog_ledger_head (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	seq  INTEGER NOT NULL CHECK (seq >= 0),
	hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO fog_ledger_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

-- Compartments of accounts. An account is named after its owner. What a compartment has is what the latest movement that touches it
-- has left there: it is written there and nowhere else.
CREATE TABLE fog_ledger_accounts (
	number  INTEGER PRIMARY KEY CHECK (number > 0), -- given by the writer: 1, 2, 3 ...
	tenant  TEXT    NOT NULL,
	owner   TEXT    NOT NULL,
	kind    TEXT    NOT NULL, -- available, held, mint ...
	creator TEXT    NOT NULL, -- who caused its first movement
	UNIQUE (tenant, owner, kind)
) STRICT;

CREATE TABLE fog_ledger_holds (
	tenant      TEXT    NOT NULL,
	id          TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- who pays; empty in a tombstone
	creator     TEXT    NOT NULL,
	amount      INTEGER NOT NULL CHECK (amount >= 0),
	captured    INTEGER NOT NULL CHECK (captured >= 0),
	returned    INTEGER NOT NULL CHECK (returned >= 0),
	state       TEXT    NOT NULL CHECK (state IN ('open', 'settled', 'voided', 'expired')),
	created_at  INTEGER NOT NULL,
	expires_at  INTEGER NOT NULL, -- 0: never
	resolved_at INTEGER NOT NULL, -- 0 while open
	PRIMARY KEY (tenant, id),
	CHECK (captured + returned <= amount),
	CHECK (state = 'open' OR captured + returned = amount)
) STRICT;
CREATE INDEX fog_ledger_holds_due ON fog_ledger_holds (expires_at, id) WHERE state = 'open' AND expires_at > 0;
CREATE INDEX fog_ledger_holds_resolved ON fog_ledger_holds (resolved_at) WHERE state <> 'open';

-- Rows of everything that is not money: pools, positions, proposals, parameters ...
CREATE TABLE fog_ledger_records (
	tenant  TEXT    NOT NULL,
	class   TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	owner   TEXT    NOT NULL,
	creator TEXT    NOT NULL,
	state   TEXT    NOT NULL,
	due_at  INTEGER NOT NULL, -- 0: never
	seq     INTEGER NOT NULL, -- of the movement that changed it last
	body    BLOB    NOT NULL, -- JSON
	PRIMARY KEY (tenant, class, key)
) STRICT;
CREATE INDEX fog_ledger_records_owner ON fog_ledger_records (owner, tenant, class, key);
CREATE INDEX fog_ledger_records_state ON fog_ledger_records (state, tenant, class, key);
CREATE INDEX fog_ledger_records_due ON fog_ledger_records (due_at, tenant, class, key) WHERE due_at > 0;

-- The past of quantities: each row is a value from a movement on, until the next row of its series. Never changed.
CREATE TABLE fog_ledger_points (
	tenant TEXT    NOT NULL,
	series TEXT    NOT NULL,
	key    TEXT    NOT NULL,
	seq    INTEGER NOT NULL,
	body   BLOB    NOT NULL, -- JSON
	PRIMARY KEY (tenant, series, key, seq)
) STRICT, WITHOUT ROWID;

-- Movements: the ledger itself, never changed, never deleted. Their keys make every request idempotent for ever.
CREATE TABLE fog_ledger_movements (
	seq     INTEGER PRIMARY KEY,
	tenant  TEXT    NOT NULL,
	op      TEXT    NOT NULL, -- genesis, hold, capture, void, transfer ...
	key     TEXT    NOT NULL,
	owner   TEXT    NOT NULL, -- who pays
	creator TEXT    NOT NULL, -- who asked
	body    BLOB    NOT NULL, -- everything else, in the canonical encoding
	CONSTRAINT fog_ledger_movements_reference UNIQUE (key, op, tenant) -- what differs comes first, so most comparisons end there
) STRICT;

-- Where to find the movements of a sub-account.
CREATE TABLE fog_ledger_index (
	account INTEGER NOT NULL, -- fog_ledger_accounts.number
	seq     INTEGER NOT NULL, -- of the movement
	PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

-- Blocks: the hash chain. Each seals the movements of one commit. Never changed, never deleted.
CREATE TABLE fog_ledger_blocks (
	last  INTEGER PRIMARY KEY, -- its last movement
	first INTEGER NOT NULL,
	at    INTEGER NOT NULL,
	root  BLOB    NOT NULL CHECK (length(root) = 32), -- of the Merkle tree of its movements
	hash  BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

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
