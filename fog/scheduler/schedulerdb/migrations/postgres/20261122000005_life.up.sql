-- Which jobs wait for which jobs and arrays, until they are queued or over.
CREATE TABLE fog_scheduler_waits (
	awaits TEXT COLLATE "C" NOT NULL, -- a job, or an array
	job    TEXT COLLATE "C" NOT NULL REFERENCES fog_scheduler_jobs (id) ON DELETE CASCADE,
	PRIMARY KEY (awaits, job)
);
CREATE INDEX fog_scheduler_waits_job ON fog_scheduler_waits (job);

-- The tasks of an array, in the order of lists, with their states for counting.
DROP INDEX fog_scheduler_jobs_array;
CREATE INDEX fog_scheduler_jobs_array ON fog_scheduler_jobs (array_id, submitted, id, state) WHERE array_id <> '';

-- What submits a job again and again. The body is the whole of it as JSON; the other columns are there to be looked for.
CREATE TABLE fog_scheduler_schedules (
	tenant  TEXT COLLATE "C" NOT NULL,
	id      TEXT COLLATE "C" NOT NULL,
	owner   TEXT    NOT NULL, -- pays
	creator TEXT    NOT NULL,
	next_at BIGINT  NOT NULL, -- 0: never
	version BIGINT  NOT NULL,
	body    TEXT    NOT NULL, -- JSON
	PRIMARY KEY (tenant, id)
);
CREATE INDEX fog_scheduler_schedules_due ON fog_scheduler_schedules (next_at, tenant, id) WHERE next_at > 0;

-- The changes of jobs, for a while. An event is written in the transaction of its change, without a number; readers number what has
-- been committed, one at a time.
CREATE TABLE fog_scheduler_events (
	id          BIGINT  GENERATED ALWAYS AS IDENTITY, -- no index of its own: only those without a number are looked for by it
	seq         BIGINT  NOT NULL, -- 0: not numbered yet
	at          BIGINT  NOT NULL,
	tenant      TEXT    NOT NULL,
	owner       TEXT    NOT NULL,
	creator     TEXT    NOT NULL,
	job         TEXT    NOT NULL,
	array_id    TEXT    NOT NULL,
	state       TEXT    NOT NULL,
	job_version BIGINT  NOT NULL
);
CREATE UNIQUE INDEX fog_scheduler_events_seq ON fog_scheduler_events (seq) WHERE seq > 0;
CREATE INDEX fog_scheduler_events_open ON fog_scheduler_events (id) WHERE seq = 0;

-- One row: the last number that was given, and the last of those whose events were deleted.
CREATE TABLE fog_scheduler_feed (
	last    BIGINT  NOT NULL,
	trimmed BIGINT  NOT NULL
);
INSERT INTO fog_scheduler_feed VALUES (0, 0);
