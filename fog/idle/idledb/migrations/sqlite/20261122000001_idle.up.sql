-- Devices. Times are microseconds since 1970, 0 for none. Lists, labels, policy and reasons are JSON.
CREATE TABLE fog_idle_devices (
	id            TEXT PRIMARY KEY,
	tenant        TEXT     NOT NULL,
	owner         TEXT     NOT NULL, -- who is paid
	creator       TEXT     NOT NULL, -- who enrolled it
	name          TEXT     NOT NULL,
	type          TEXT     NOT NULL,
	platform      TEXT     NOT NULL,
	milli_cpu     INTEGER  NOT NULL,
	memory_mb     INTEGER  NOT NULL,
	milli_gpu     INTEGER  NOT NULL,
	declared      TEXT     NOT NULL, -- executors by its enrolment
	executors     TEXT     NOT NULL, -- executors that can be used
	labels        TEXT     NOT NULL,
	policy        TEXT     NOT NULL,
	state         TEXT     NOT NULL,
	drain         INTEGER  NOT NULL,
	cause         TEXT     NOT NULL,
	eligible      INTEGER  NOT NULL,
	throttled     INTEGER  NOT NULL, -- heat is among the reasons
	reasons       TEXT     NOT NULL,
	since_at      INTEGER  NOT NULL, -- eligible last changed
	calm_at       INTEGER  NOT NULL, -- every start level has held since
	registered_at INTEGER  NOT NULL,
	online_at     INTEGER  NOT NULL, -- alive since
	online_before INTEGER  NOT NULL, -- microseconds alive before that
	version       INTEGER  NOT NULL
) STRICT;
CREATE INDEX fog_idle_devices_tenant ON fog_idle_devices (tenant, id);
CREATE INDEX fog_idle_devices_alive ON fog_idle_devices (id) WHERE state IN ('online', 'draining');

-- What was last heard of each device, and its totals: apart from the rest of the row because it is written all the time.
CREATE TABLE fog_idle_pulses (
	device       TEXT PRIMARY KEY REFERENCES fog_idle_devices (id) ON DELETE CASCADE,
	last_seen_at INTEGER  NOT NULL,
	heard_at     INTEGER  NOT NULL, -- of the telemetry; NULL below is unknown
	cpu_foreign  REAL,
	cpu_total    REAL,
	mem_free_mb  REAL,
	battery      REAL,
	charging     INTEGER,
	temp_c       REAL,
	user_idle    INTEGER, -- microseconds
	metered      INTEGER,
	harvesting   INTEGER  NOT NULL,
	boot         TEXT     NOT NULL,
	seq          INTEGER  NOT NULL,
	boots        TEXT     NOT NULL, -- JSON
	tasks        INTEGER  NOT NULL DEFAULT 0,
	compute      INTEGER  NOT NULL DEFAULT 0, -- CPU-microseconds
	earned       INTEGER  NOT NULL DEFAULT 0  -- token base units
) STRICT;

-- Validated work: at most one row for each slot of a job.
CREATE TABLE fog_idle_contributions (
	job     TEXT NOT NULL,
	slot    INTEGER NOT NULL,
	tenant  TEXT   NOT NULL,
	owner   TEXT   NOT NULL, -- the account that is paid
	creator TEXT   NOT NULL, -- who recorded it
	attempt TEXT   NOT NULL,
	device  TEXT NOT NULL,
	amount  INTEGER NOT NULL CHECK (amount >= 0), -- token base units
	compute INTEGER NOT NULL, -- CPU-microseconds
	done_at INTEGER NOT NULL,
	PRIMARY KEY (job, slot)
) STRICT;
CREATE INDEX fog_idle_contributions_tenant ON fog_idle_contributions (tenant, done_at, job, slot);
CREATE INDEX fog_idle_contributions_device ON fog_idle_contributions (device, done_at, job, slot);
CREATE INDEX fog_idle_contributions_done ON fog_idle_contributions (done_at);

-- What each tenant's devices have done so far: keeps counting when contributions and devices are purged.
CREATE TABLE fog_idle_totals (
	tenant  TEXT   PRIMARY KEY,
	tasks   INTEGER NOT NULL,
	compute INTEGER NOT NULL,
	earned  INTEGER NOT NULL
) STRICT;
