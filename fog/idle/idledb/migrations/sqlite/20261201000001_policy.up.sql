-- When the break after a session of full length ends; microseconds since 1970, 0 for none.
ALTER TABLE fog_idle_devices ADD COLUMN rest_at INTEGER NOT NULL DEFAULT 0;

-- Further signals; NULL is unknown.
ALTER TABLE fog_idle_pulses ADD COLUMN pressure REAL; -- percent
ALTER TABLE fog_idle_pulses ADD COLUMN disk_free_mb REAL;
ALTER TABLE fog_idle_pulses ADD COLUMN network TEXT;
