-- Devices. Times are microseconds since 1970, 0 for none. Lists, labels, policy and reasons are JSON.
CREATE TABLE fog_idle_devices (
	id            TEXT COLLATE "C" PRIMARY KEY,
	tenant        TEXT     NOT NULL,
	owner         TEXT     NOT NULL, -- who is paid
	creator       TEXT     NOT NULL, -- who enrolled it
	name          TEXT     NOT NULL,
	type          TEXT     NOT NULL,
	platform      TEXT     NOT NULL,
	milli_cpu     BIGINT   NOT NULL,
	memory_mb     BIGINT   NOT NULL,
	milli_gpu     BIGINT   NOT NULL,
	declared      TEXT     NOT NULL, -- executors by its enrolment
	executors     TEXT     NOT NULL, -- executors that can be used
	labels        TEXT     NOT NULL,
	policy        TEXT     NOT NULL,
	state         TEXT     NOT NULL,
	drain         SMALLINT NOT NULL,
	cause         TEXT     NOT NULL,
	eligible      SMALLINT NOT NULL,
	throttled     SMALLINT NOT NULL, -- heat is among the reasons
	reasons       TEXT     NOT NULL,
	since_at      BIGINT   NOT NULL, -- eligible last changed
	calm_at       BIGINT   NOT NULL, -- every start level has held since
	registered_at BIGINT   NOT NULL,
	online_at     BIGINT   NOT NULL, -- alive since
	online_before BIGINT   NOT NULL, -- microseconds alive before that
	version       BIGINT   NOT NULL
);
CREATE INDEX fog_idle_devices_tenant ON fog_idle_devices (tenant, id);
CREATE INDEX fog_idle_devices_alive ON fog_idle_devices (id) WHERE state IN ('online', 'draining');

-- What was last heard of each device, and its totals: apart from the rest of the row because it is written all the time.
CREATE TABLE fog_idle_pulses (
	device       TEXT COLLATE "C" PRIMARY KEY REFERENCES fog_idle_devices (id) ON DELETE CASCADE,
	last_seen_at BIGINT   NOT NULL,
	heard_at     BIGINT   NOT NULL, -- of the telemetry; NULL below is unknown
	cpu_foreign  DOUBLE PRECISION,
	cpu_total    DOUBLE PRECISION,
	mem_free_mb  DOUBLE PRECISION,
	battery      DOUBLE PRECISION,
	charging     SMALLINT,
	temp_c       DOUBLE PRECISION,
	user_idle    BIGINT, -- microseconds
	metered      SMALLINT,
	harvesting   BIGINT   NOT NULL,
	boot         TEXT     NOT NULL,
	seq          BIGINT   NOT NULL,
	boots        TEXT     NOT NULL, -- JSON
	tasks        BIGINT   NOT NULL DEFAULT 0,
	compute      BIGINT   NOT NULL DEFAULT 0, -- CPU-microseconds
	earned       BIGINT   NOT NULL DEFAULT 0  -- token base units
) WITH (fillfactor = 50); -- room for new versions on the same page

-- Validated work: at most one row for each slot of a job.
CREATE TABLE fog_idle_contributions (
	job     TEXT COLLATE "C" NOT NULL,
	slot    BIGINT NOT NULL,
	tenant  TEXT   NOT NULL,
	owner   TEXT   NOT NULL, -- the account that is paid
	creator TEXT   NOT NULL, -- who recorded it
	attempt TEXT   NOT NULL,
	device  TEXT COLLATE "C" NOT NULL,
	amount  BIGINT NOT NULL CHECK (amount >= 0), -- token base units
	compute BIGINT NOT NULL, -- CPU-microseconds
	done_at BIGINT NOT NULL,
	PRIMARY KEY (job, slot)
);
CREATE INDEX fog_idle_contributions_tenant ON fog_idle_contributions (tenant, done_at, job, slot);
CREATE INDEX fog_idle_contributions_device ON fog_idle_contributions (device, done_at, job, slot);
CREATE INDEX fog_idle_contributions_done ON fog_idle_contributions (done_at);

-- What each tenant's devices have done so far: keeps counting when contributions and devices are purged.
CREATE TABLE fog_idle_totals (
	tenant  TEXT   PRIMARY KEY,
	tasks   BIGINT NOT NULL,
	compute BIGINT NOT NULL,
	earned  BIGINT NOT NULL
) WITH (fillfactor = 50);
