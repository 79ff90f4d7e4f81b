-- The queue is read owner by owner, and owners have quotas.
CREATE INDEX fog_scheduler_jobs_lines ON fog_scheduler_jobs (rank, tenant COLLATE "C", owner COLLATE "C", order_at, id, ready_at)
	WHERE state = 'queued';

-- What the fair share of an owner weighs and what bounds it; 0 is no bound. An owner without a row has weight 1 and no bounds.
CREATE TABLE fog_scheduler_quotas (
	tenant     TEXT   NOT NULL,
	owner      TEXT   NOT NULL,
	weight     DOUBLE PRECISION NOT NULL,
	milli_cpu  BIGINT NOT NULL,
	memory_mb  BIGINT NOT NULL,
	milli_gpu  BIGINT NOT NULL,
	disk_mb    BIGINT NOT NULL,
	mbit_ps    BIGINT NOT NULL, -- megabits a second
	max_queued BIGINT NOT NULL, -- jobs
	updated    BIGINT NOT NULL,
	PRIMARY KEY (tenant, owner)
);
