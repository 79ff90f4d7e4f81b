-- Times are microseconds since 1970 in UTC, 0 for none. Prices are token base units, 1e-6 FOG.
-- Columns named as JSON are empty for "nothing".
CREATE TABLE fog_scheduler_jobs (
	id          TEXT    NOT NULL PRIMARY KEY,
	-- Fixed when the job is submitted.
	tenant      TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- pays
	creator     TEXT    NOT NULL,
	key         TEXT    NOT NULL, -- the client's idempotency key; empty: none
	body_digest TEXT    NOT NULL,
	name        TEXT    NOT NULL,
	tier        TEXT    NOT NULL,
	rank        INTEGER NOT NULL, -- of the tier: a smaller one is placed first
	milli_cpu   INTEGER NOT NULL,
	memory_mb   INTEGER NOT NULL,
	milli_gpu   INTEGER NOT NULL,
	executor    TEXT    NOT NULL,
	task        TEXT    NOT NULL, -- JSON
	replicas    INTEGER NOT NULL,
	quorum      INTEGER NOT NULL,
	estimate_ns INTEGER NOT NULL,
	max_runtime_ns INTEGER NOT NULL,
	deadline    INTEGER NOT NULL,
	data_mb     REAL    NOT NULL,
	price       INTEGER NOT NULL, -- of one slot
	quote       INTEGER NOT NULL,
	submitted   INTEGER NOT NULL,
	-- Written anew with each version.
	state       TEXT    NOT NULL,
	previous    TEXT    NOT NULL, -- the state before this version
	resume      TEXT    NOT NULL,
	reason      TEXT    NOT NULL,
	progress    REAL    NOT NULL,
	node        TEXT    NOT NULL, -- of the newest attempt
	slots       INTEGER NOT NULL,
	queued      INTEGER NOT NULL,
	started     INTEGER NOT NULL,
	finished    INTEGER NOT NULL,
	ready_at    INTEGER NOT NULL,
	due_at      INTEGER NOT NULL,
	next_token  INTEGER NOT NULL,
	failures    TEXT    NOT NULL, -- JSON
	result      TEXT    NOT NULL, -- JSON
	log         TEXT    NOT NULL, -- JSON
	version     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX fog_scheduler_jobs_key ON fog_scheduler_jobs (tenant, owner, key) WHERE key <> '';
CREATE INDEX fog_scheduler_jobs_tenant ON fog_scheduler_jobs (tenant, submitted, id);
CREATE INDEX fog_scheduler_jobs_owner ON fog_scheduler_jobs (tenant, owner, submitted, id);
CREATE INDEX fog_scheduler_jobs_state ON fog_scheduler_jobs (tenant, state, submitted, id);
CREATE INDEX fog_scheduler_jobs_ready ON fog_scheduler_jobs (rank, submitted, id, ready_at) WHERE state = 'queued';
CREATE INDEX fog_scheduler_jobs_due ON fog_scheduler_jobs (due_at, id) WHERE due_at > 0;
CREATE INDEX fog_scheduler_jobs_over ON fog_scheduler_jobs (finished)
	WHERE state IN ('refused', 'vested', 'cancelled', 'failed', 'expired');

-- The name of an attempt is its primary key: <job>.<slot>.<token>.
CREATE TABLE fog_scheduler_attempts (
	job         TEXT    NOT NULL REFERENCES fog_scheduler_jobs (id) ON DELETE CASCADE,
	slot        INTEGER NOT NULL,
	token       INTEGER NOT NULL, -- the fencing token
	-- Fixed when the attempt is placed.
	tenant      TEXT    NOT NULL, -- tenant, owner and creator are those of the job
	owner       TEXT    NOT NULL,
	creator     TEXT    NOT NULL,
	node        TEXT    NOT NULL,
	node_owner  TEXT    NOT NULL, -- is paid
	milli_cpu   INTEGER NOT NULL,
	memory_mb   INTEGER NOT NULL,
	milli_gpu   INTEGER NOT NULL,
	executor    TEXT    NOT NULL,
	price       INTEGER NOT NULL,
	placed      INTEGER NOT NULL,
	-- Written anew with each change.
	state       TEXT    NOT NULL,
	started     INTEGER NOT NULL,
	lease_until INTEGER NOT NULL,
	since       INTEGER NOT NULL,
	end_by      INTEGER NOT NULL,
	ended       INTEGER NOT NULL,
	class       TEXT    NOT NULL,
	reason      TEXT    NOT NULL,
	progress    REAL    NOT NULL,
	result      TEXT    NOT NULL, -- JSON
	PRIMARY KEY (job, slot, token)
) STRICT;

-- A slot is paid once: at most one of its attempts can ever be valid.
CREATE UNIQUE INDEX fog_scheduler_attempts_valid ON fog_scheduler_attempts (job, slot) WHERE state = 'valid';
CREATE INDEX fog_scheduler_attempts_live ON fog_scheduler_attempts (node) WHERE state IN ('placed', 'running', 'suspended');

CREATE TABLE fog_scheduler_nodes (
	id          TEXT    NOT NULL PRIMARY KEY,
	tenant      TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- is paid
	creator     TEXT    NOT NULL, -- the owner when the node was first saved
	state       TEXT    NOT NULL,
	drained     INTEGER NOT NULL CHECK (drained IN (0, 1)),
	reasons     TEXT    NOT NULL, -- JSON
	milli_cpu   INTEGER NOT NULL,
	memory_mb   INTEGER NOT NULL,
	milli_gpu   INTEGER NOT NULL,
	executors   TEXT    NOT NULL, -- JSON
	trust       REAL    NOT NULL,
	labels      TEXT    NOT NULL, -- JSON
	speed       REAL    NOT NULL,
	source      INTEGER NOT NULL, -- version of the device that the node follows
	updated     INTEGER NOT NULL,
	version     INTEGER NOT NULL
) STRICT;

CREATE INDEX fog_scheduler_nodes_tenant ON fog_scheduler_nodes (tenant, id);

-- Running sums, kept with each insert and commit so that nobody has to count jobs. A sum is the total of its lanes:
-- transactions that run side by side add to different rows and do not wait for each other.
CREATE TABLE fog_scheduler_tally (
	tenant TEXT    NOT NULL,
	tier   TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	lane   INTEGER NOT NULL,
	value  INTEGER NOT NULL,
	PRIMARY KEY (tenant, tier, name, lane)
) STRICT, WITHOUT ROWID;

-- How many jobs stand in each state, kept likewise, so that lists know their totals.
CREATE TABLE fog_scheduler_counts (
	tenant TEXT    NOT NULL,
	owner  TEXT    NOT NULL,
	tier   TEXT    NOT NULL,
	state  TEXT    NOT NULL,
	lane   INTEGER NOT NULL,
	jobs   INTEGER NOT NULL,
	PRIMARY KEY (tenant, owner, tier, state, lane)
) STRICT, WITHOUT ROWID;
