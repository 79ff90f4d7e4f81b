-- When the break after a session of full length ends; microseconds since 1970, 0 for none.
ALTER TABLE fog_idle_devices ADD COLUMN rest_at BIGINT NOT NULL DEFAULT 0;

-- Further signals; NULL is unknown.
ALTER TABLE fog_idle_pulses ADD COLUMN pressure DOUBLE PRECISION; -- percent
ALTER TABLE fog_idle_pulses ADD COLUMN disk_free_mb DOUBLE PRECISION;
ALTER TABLE fog_idle_pulses ADD COLUMN network TEXT;
