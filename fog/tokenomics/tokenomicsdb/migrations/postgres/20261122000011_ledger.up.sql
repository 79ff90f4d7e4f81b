-- The ledger. Amounts are base units, 1e-6 FOG. Times are microseconds since 1970, 0 for none. Keys are compared byte by byte:
-- that is quicker than any language's order, and the same as SQLite's.

-- One row: the number of the latest movement and the hash of the latest block. Every commit moves it on from where it stood
-- when the commit was decided.
CREATE TABLE fog_ledger_head (
	id   SMALLINT PRIMARY KEY CHECK (id = 1),
	seq  BIGINT   NOT NULL CHECK (seq >= 0),
	hash BYTEA    NOT NULL CHECK (octet_length(hash) = 32)
) WITH (fillfactor = 50);
INSERT INTO fog_ledger_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- Compartments of accounts. An account is named after its owner. What a compartment has is what the latest movement that touches it
-- has left there: it is written there and nowhere else.
CREATE TABLE fog_ledger_accounts (
	number  BIGINT PRIMARY KEY CHECK (number > 0), -- given by the writer: 1, 2, 3 ...
	tenant  TEXT   COLLATE "C" NOT NULL,
	owner   TEXT   COLLATE "C" NOT NULL,
	kind    TEXT   COLLATE "C" NOT NULL, -- available, held, mint ...
	creator TEXT   COLLATE "C" NOT NULL, -- who caused its first movement
	UNIQUE (tenant, owner, kind)
);

CREATE TABLE fog_ledger_holds (
	tenant      TEXT   COLLATE "C" NOT NULL,
	id          TEXT   COLLATE "C" NOT NULL,
	owner       TEXT   COLLATE "C" NOT NULL, -- who pays; empty in a tombstone
	creator     TEXT   COLLATE "C" NOT NULL,
	amount      BIGINT NOT NULL CHECK (amount >= 0),
	captured    BIGINT NOT NULL CHECK (captured >= 0),
	returned    BIGINT NOT NULL CHECK (returned >= 0),
	state       TEXT   COLLATE "C" NOT NULL CHECK (state IN ('open', 'settled', 'voided', 'expired')),
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL, -- 0: never
	resolved_at BIGINT NOT NULL, -- 0 while open
	PRIMARY KEY (tenant, id),
	CHECK (captured + returned <= amount),
	CHECK (state = 'open' OR captured + returned = amount)
) WITH (fillfactor = 80);
CREATE INDEX fog_ledger_holds_due ON fog_ledger_holds (expires_at, id) WHERE state = 'open' AND expires_at > 0;
CREATE INDEX fog_ledger_holds_resolved ON fog_ledger_holds (resolved_at) WHERE state <> 'open';

-- Rows of everything that is not money: pools, positions, proposals, parameters ...
CREATE TABLE fog_ledger_records (
	tenant  TEXT   COLLATE "C" NOT NULL,
	class   TEXT   COLLATE "C" NOT NULL,
	key     TEXT   COLLATE "C" NOT NULL,
	owner   TEXT   COLLATE "C" NOT NULL,
	creator TEXT   COLLATE "C" NOT NULL,
	state   TEXT   COLLATE "C" NOT NULL,
	due_at  BIGINT NOT NULL, -- 0: never
	seq     BIGINT NOT NULL, -- of the movement that changed it last
	body    BYTEA  NOT NULL, -- JSON
	PRIMARY KEY (tenant, class, key)
) WITH (fillfactor = 70);
CREATE INDEX fog_ledger_records_owner ON fog_ledger_records (owner, tenant, class, key);
CREATE INDEX fog_ledger_records_state ON fog_ledger_records (state, tenant, class, key);
CREATE INDEX fog_ledger_records_due ON fog_ledger_records (due_at, tenant, class, key) WHERE due_at > 0;

-- The past of quantities: each row is a value from a movement on, until the next row of its series. Never changed.
CREATE TABLE fog_ledger_points (
	tenant TEXT   COLLATE "C" NOT NULL,
	series TEXT   COLLATE "C" NOT NULL,
	key    TEXT   COLLATE "C" NOT NULL,
	seq    BIGINT NOT NULL,
	body   BYTEA  NOT NULL, -- JSON
	PRIMARY KEY (tenant, series, key, seq)
);

-- Movements: the ledger itself, never changed, never deleted. Their keys make every request idempotent for ever.
CREATE TABLE fog_ledger_movements (
	seq     BIGINT PRIMARY KEY,
	tenant  TEXT   COLLATE "C" NOT NULL,
	op      TEXT   COLLATE "C" NOT NULL, -- genesis, hold, capture, void, transfer ...
	key     TEXT   COLLATE "C" NOT NULL,
	owner   TEXT   COLLATE "C" NOT NULL, -- who pays
	creator TEXT   COLLATE "C" NOT NULL, -- who asked
	body    BYTEA  NOT NULL, -- everything else, in the canonical encoding
	CONSTRAINT fog_ledger_movements_reference UNIQUE (key, op, tenant) -- what differs comes first, so most comparisons end there
);

-- Where to find the movements of a sub-account.
CREATE TABLE fog_ledger_index (
	account BIGINT NOT NULL, -- fog_ledger_accounts.number
	seq     BIGINT NOT NULL, -- of the movement
	PRIMARY KEY (account, seq)
);

-- Blocks: the hash chain. Each seals the movements of one commit. Never changed, never deleted.
CREATE TABLE fog_ledger_blocks (
	last  BIGINT PRIMARY KEY, -- its last movement
	first BIGINT NOT NULL,
	at    BIGINT NOT NULL,
	root  BYTEA  NOT NULL CHECK (octet_length(root) = 32), -- of the Merkle tree of its movements
	hash  BYTEA  NOT NULL CHECK (octet_length(hash) = 32)
);

-- Running sums, so that figures cost nothing.
CREATE TABLE fog_ledger_tally (
	tenant TEXT   COLLATE "C" NOT NULL,
	name   TEXT   COLLATE "C" NOT NULL,
	hour   BIGINT NOT NULL, -- hours since 1970; 0: over all time
	value  BIGINT NOT NULL,
	PRIMARY KEY (tenant, name, hour)
) WITH (fillfactor = 50);

-- Requests of servers that may not write the ledger, and the verdicts on them.
CREATE TABLE fog_ledger_requests (
	number     BIGINT   GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	tenant     TEXT     NOT NULL,
	owner      TEXT     NOT NULL,
	creator    TEXT     NOT NULL,
	op         TEXT     NOT NULL,
	body       TEXT     NOT NULL, -- JSON
	created_at BIGINT   NOT NULL,
	decided_at BIGINT   NOT NULL DEFAULT 0, -- 0: waits
	ok         BIGINT   NOT NULL DEFAULT 0,
	error_kind BIGINT   NOT NULL DEFAULT 0,
	error_op   TEXT     NOT NULL DEFAULT '',
	field      TEXT     NOT NULL DEFAULT '',
	detail     TEXT     NOT NULL DEFAULT ''
);
CREATE INDEX fog_ledger_requests_waiting ON fog_ledger_requests (number) WHERE decided_at = 0;
CREATE INDEX fog_ledger_requests_decided ON fog_ledger_requests (decided_at) WHERE decided_at > 0;

-- A commit is one pipeline of statements, which becomes durable at its end without asking anybody: so whatever must stop it is
-- raised here. The codes: FOG01, another server holds the duty; FOG02, the ledger has moved on.

-- fog_ledger_begin begins a commit: it keeps the duty (empty: none) from changing hands until the commit has ended, and moves the
-- head on. The head's row is the lock of the ledger.
CREATE FUNCTION fog_ledger_begin(duty TEXT, fence BIGINT, was BIGINT, was_hash BYTEA, becomes BIGINT, becomes_hash BYTEA)
RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
	IF duty <> '' THEN
		PERFORM 1 FROM fog_duties AS d WHERE d.name = duty AND d.number = fence FOR SHARE;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'another server holds the duty' USING ERRCODE = 'FOG01';
		END IF;
	END IF;
	UPDATE fog_ledger_head AS h SET seq = becomes, hash = becomes_hash WHERE h.id = 1 AND h.seq = was AND h.hash = was_hash;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the ledger has moved on' USING ERRCODE = 'FOG02';
	END IF;
END $$;

-- The functions below change rows by their keys. Their plans are made once, perhaps while the tables are empty, and must stay
-- right when they have millions of rows: so every row is looked up by its index.

CREATE FUNCTION fog_ledger_forget(tenants TEXT[], classes TEXT[], keys TEXT[])
RETURNS VOID LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	DELETE FROM fog_ledger_records AS r USING unnest(tenants, classes, keys) AS v (tenant, class, key)
	WHERE r.tenant = v.tenant AND r.class = v.class AND r.key = v.key;
END $$;

CREATE FUNCTION fog_ledger_decide(
	numbers BIGINT[], times BIGINT[], oks BIGINT[], kinds BIGINT[], ops TEXT[], fields TEXT[], details TEXT[])
RETURNS VOID LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
	touched BIGINT;
BEGIN
	UPDATE fog_ledger_requests AS r
	SET decided_at = v.at, ok = v.ok, error_kind = v.kind, error_op = v.op, field = v.field, detail = v.detail
	FROM unnest(numbers, times, oks, kinds, ops, fields, details) AS v (number, at, ok, kind, op, field, detail)
	WHERE r.number = v.number AND r.decided_at = 0;
	GET DIAGNOSTICS touched = ROW_COUNT;
	IF touched <> cardinality(numbers) THEN
		RAISE EXCEPTION '% of % requests decided', touched, cardinality(numbers) USING ERRCODE = 'FOG02';
	END IF;
END $$;
