-- Times are microseconds since 1970 in UTC, 0 for none. Prices are token base units, 1e-6 FOG.
-- Columns named as JSON are empty for "nothing". Identifiers are compared by their bytes, as the program does.
CREATE TABLE fog_scheduler_jobs (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	-- Fixed when the job is submitted.
	tenant      TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- pays
	creator     TEXT    NOT NULL,
	key         TEXT    NOT NULL, -- the client's idempotency key; empty: none
	body_digest TEXT    NOT NULL,
	name        TEXT    NOT NULL,
	tier        TEXT    NOT NULL,
	rank        BIGINT  NOT NULL, -- of the tier: a smaller one is placed first
	milli_cpu   BIGINT  NOT NULL,
	memory_mb   BIGINT  NOT NULL,
	milli_gpu   BIGINT  NOT NULL,
	executor    TEXT    NOT NULL,
	task        TEXT    NOT NULL, -- JSON
	replicas    BIGINT  NOT NULL,
	quorum      BIGINT  NOT NULL,
	estimate_ns BIGINT  NOT NULL,
	max_runtime_ns BIGINT  NOT NULL,
	deadline    BIGINT  NOT NULL,
	data_mb     DOUBLE PRECISION NOT NULL,
	price       BIGINT  NOT NULL, -- of one slot
	quote       BIGINT  NOT NULL,
	submitted   BIGINT  NOT NULL,
	-- Written anew with each version.
	state       TEXT    NOT NULL,
	previous    TEXT    NOT NULL, -- the state before this version
	resume      TEXT    NOT NULL,
	reason      TEXT    NOT NULL,
	progress    DOUBLE PRECISION NOT NULL,
	node        TEXT    NOT NULL, -- of the newest attempt
	slots       BIGINT  NOT NULL,
	queued      BIGINT  NOT NULL,
	started     BIGINT  NOT NULL,
	finished    BIGINT  NOT NULL,
	ready_at    BIGINT  NOT NULL,
	due_at      BIGINT  NOT NULL,
	next_token  BIGINT  NOT NULL,
	failures    TEXT    NOT NULL, -- JSON
	result      TEXT    NOT NULL, -- JSON
	log         TEXT    NOT NULL, -- JSON
	version     BIGINT  NOT NULL
);

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
	job         TEXT COLLATE "C" NOT NULL REFERENCES fog_scheduler_jobs (id) ON DELETE CASCADE,
	slot        BIGINT  NOT NULL,
	token       BIGINT  NOT NULL, -- the fencing token
	-- Fixed when the attempt is placed.
	tenant      TEXT    NOT NULL, -- tenant, owner and creator are those of the job
	owner       TEXT    NOT NULL,
	creator     TEXT    NOT NULL,
	node        TEXT    NOT NULL,
	node_owner  TEXT    NOT NULL, -- is paid
	milli_cpu   BIGINT  NOT NULL,
	memory_mb   BIGINT  NOT NULL,
	milli_gpu   BIGINT  NOT NULL,
	executor    TEXT    NOT NULL,
	price       BIGINT  NOT NULL,
	placed      BIGINT  NOT NULL,
	-- Written anew with each change.
	state       TEXT    NOT NULL,
	started     BIGINT  NOT NULL,
	lease_until BIGINT  NOT NULL,
	since       BIGINT  NOT NULL,
	end_by      BIGINT  NOT NULL,
	ended       BIGINT  NOT NULL,
	class       TEXT    NOT NULL,
	reason      TEXT    NOT NULL,
	progress    DOUBLE PRECISION NOT NULL,
	result      TEXT    NOT NULL, -- JSON
	PRIMARY KEY (job, slot, token)
);

-- A slot is paid once: at most one of its attempts can ever be valid.
CREATE UNIQUE INDEX fog_scheduler_attempts_valid ON fog_scheduler_attempts (job, slot) WHERE state = 'valid';
CREATE INDEX fog_scheduler_attempts_live ON fog_scheduler_attempts (node) WHERE state IN ('placed', 'running', 'suspended');

CREATE TABLE fog_scheduler_nodes (
	id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	tenant      TEXT    NOT NULL,
	owner       TEXT    NOT NULL, -- is paid
	creator     TEXT    NOT NULL, -- the owner when the node was first saved
	state       TEXT    NOT NULL,
	drained     BOOLEAN NOT NULL,
	reasons     TEXT    NOT NULL, -- JSON
	milli_cpu   BIGINT  NOT NULL,
	memory_mb   BIGINT  NOT NULL,
	milli_gpu   BIGINT  NOT NULL,
	executors   TEXT    NOT NULL, -- JSON
	trust       DOUBLE PRECISION NOT NULL,
	labels      TEXT    NOT NULL, -- JSON
	speed       DOUBLE PRECISION NOT NULL,
	source      BIGINT  NOT NULL, -- version of the device that the node follows
	updated     BIGINT  NOT NULL,
	version     BIGINT  NOT NULL
);

CREATE INDEX fog_scheduler_nodes_tenant ON fog_scheduler_nodes (tenant, id);

-- Running sums, kept with each insert and commit so that nobody has to count jobs. A sum is the total of its lanes:
-- transactions that run side by side add to different rows and do not wait for each other.
CREATE TABLE fog_scheduler_tally (
	tenant TEXT    NOT NULL,
	tier   TEXT    NOT NULL,
	name   TEXT    NOT NULL,
	lane   BIGINT  NOT NULL,
	value  BIGINT  NOT NULL,
	PRIMARY KEY (tenant, tier, name, lane)
) WITH (fillfactor = 50); -- written all the time: room for new versions on the same page

-- How many jobs stand in each state, kept likewise, so that lists know their totals.
CREATE TABLE fog_scheduler_counts (
	tenant TEXT    NOT NULL,
	owner  TEXT    NOT NULL,
	tier   TEXT    NOT NULL,
	state  TEXT    NOT NULL,
	lane   BIGINT  NOT NULL,
	jobs   BIGINT  NOT NULL,
	PRIMARY KEY (tenant, owner, tier, state, lane)
) WITH (fillfactor = 50);
