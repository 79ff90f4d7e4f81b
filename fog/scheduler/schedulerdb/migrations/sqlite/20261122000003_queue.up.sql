-- The queue is read owner by owner, and owners have quotas.
CREATE INDEX fog_scheduler_jobs_lines ON fog_scheduler_jobs (rank, tenant, owner, order_at, id, ready_at) WHERE state = 'queued';

-- What the fair share of an owner weighs and what bounds it; 0 is no bound. An owner without a row has weight 1 and no bounds.
CREATE TABLE fog_scheduler_quotas (
	tenant     TEXT    NOT NULL,
	owner      TEXT    NOT NULL,
	weight     REAL    NOT NULL,
	milli_cpu  INTEGER NOT NULL,
	memory_mb  INTEGER NOT NULL,
	milli_gpu  INTEGER NOT NULL,
	disk_mb    INTEGER NOT NULL,
	mbit_ps    INTEGER NOT NULL, -- megabits a second
	max_queued INTEGER NOT NULL, -- jobs
	updated    INTEGER NOT NULL,
	PRIMARY KEY (tenant, owner)
) STRICT, WITHOUT ROWID;
