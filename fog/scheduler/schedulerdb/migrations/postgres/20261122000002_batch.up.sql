-- What a batch scheduler needs to know beside: more dimensions of capacity, the order of the queue, arrays, constraints.
ALTER TABLE fog_scheduler_jobs ADD COLUMN disk_mb BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_jobs ADD COLUMN mbit_ps BIGINT NOT NULL DEFAULT 0; -- megabits a second
ALTER TABLE fog_scheduler_jobs ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_jobs ADD COLUMN order_at BIGINT NOT NULL DEFAULT 0; -- when it counts as submitted in the queue
ALTER TABLE fog_scheduler_jobs ADD COLUMN array_id TEXT NOT NULL DEFAULT '';
ALTER TABLE fog_scheduler_jobs ADD COLUMN array_index BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_jobs ADD COLUMN array_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_jobs ADD COLUMN gang BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE fog_scheduler_jobs ADD COLUMN traits TEXT NOT NULL DEFAULT ''; -- JSON: group, region of its data, constraints, dependencies
ALTER TABLE fog_scheduler_jobs ADD COLUMN boost BIGINT NOT NULL DEFAULT 0; -- written anew with each version, and so is rank from now on
ALTER TABLE fog_scheduler_attempts ADD COLUMN tier TEXT NOT NULL DEFAULT ''; -- of the job, as group
ALTER TABLE fog_scheduler_attempts ADD COLUMN job_group TEXT NOT NULL DEFAULT '';
ALTER TABLE fog_scheduler_attempts ADD COLUMN disk_mb BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_attempts ADD COLUMN mbit_ps BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_attempts ADD COLUMN gpus BIGINT NOT NULL DEFAULT 0; -- a bit for each of the node's devices
ALTER TABLE fog_scheduler_attempts ADD COLUMN span_ns BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_attempts ADD COLUMN evict_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_attempts ADD COLUMN evict_for TEXT NOT NULL DEFAULT '';
ALTER TABLE fog_scheduler_nodes ADD COLUMN disk_mb BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_nodes ADD COLUMN mbit_ps BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_nodes ADD COLUMN taints TEXT NOT NULL DEFAULT ''; -- JSON
ALTER TABLE fog_scheduler_nodes ADD COLUMN idle_watts DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_nodes ADD COLUMN watts_per_core DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE fog_scheduler_nodes ADD COLUMN ask BIGINT NOT NULL DEFAULT 0; -- for a core and second

UPDATE fog_scheduler_jobs SET order_at = submitted;
UPDATE fog_scheduler_attempts SET tier = (SELECT j.tier FROM fog_scheduler_jobs AS j WHERE j.id = job);
DROP INDEX fog_scheduler_jobs_ready;
CREATE INDEX fog_scheduler_jobs_ready ON fog_scheduler_jobs (rank, order_at, id, ready_at) WHERE state = 'queued';
CREATE INDEX fog_scheduler_jobs_array ON fog_scheduler_jobs (array_id, state) WHERE array_id <> '';
