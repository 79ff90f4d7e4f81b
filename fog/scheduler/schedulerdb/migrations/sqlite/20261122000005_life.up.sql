-- Which jobs wait for which jobs and arrays, until they are queued or over.
CREATE TABLE fog_scheduler_waits (
	awaits TEXT NOT NULL, -- a job, or an array
	job    TEXT NOT NULL REFERENCES fog_scheduler_jobs (id) ON DELETE CASCADE,
	PRIMARY KEY (awaits, job)
);
CREATE INDEX fog_scheduler_waits_job ON fog_scheduler_waits (job);

-- The tasks of an array, in the order of lists, with their states for counting.
DROP INDEX fog_scheduler_jobs_array;
CREATE INDEX fog_scheduler_jobs_array ON fog_scheduler_jobs (array_id, submitted, id, state) WHERE array_id <> '';

-- What submits a job again and again. The body is the whole of it as JSON; the other columns are there to be looked for.
CREATE TABLE fog_scheduler_schedules (
	tenant  TEXT NOT NULL,
	id      TEXT NOT NULL,
	owner   TEXT    NOT NULL, -- pays
	creator TEXT    NOT NULL,
	next_at INTEGER NOT NULL, -- 0: never
	version INTEGER NOT NULL,
	body    TEXT    NOT NULL, -- JSON
	PRIMARY KEY (tenant, id)
);
CREATE INDEX fog_scheduler_schedules_due ON fog_scheduler_schedules (next_at, tenant, id) WHERE next_at > 0;
