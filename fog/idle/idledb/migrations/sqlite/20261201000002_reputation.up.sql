-- Until when a device gets no work because of its results; microseconds since 1970, 0 for none.
ALTER TABLE fog_idle_devices ADD COLUMN quarantine_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX fog_idle_devices_alive;
CREATE INDEX fog_idle_devices_alive ON fog_idle_devices (id) WHERE state IN ('online', 'draining', 'quarantined');

-- How rightly devices compute, by class of jobs and by what they compute with.
CREATE TABLE fog_idle_reputations (
	device      TEXT NOT NULL,
	class       TEXT NOT NULL,
	runtime     TEXT NOT NULL,
	tenant      TEXT NOT NULL,
	owner       TEXT NOT NULL, -- of the device
	creator     TEXT NOT NULL, -- who recorded it first
	valid       INTEGER NOT NULL, -- results since the last strike
	compared    INTEGER NOT NULL, -- bits of the last 64 results that were compared, the newest lowest; 1 is a strike
	until_at    INTEGER NOT NULL, -- end of the quarantine
	quarantines INTEGER NOT NULL,
	version     INTEGER NOT NULL,
	PRIMARY KEY (device, class, runtime)
) STRICT;

-- What became of results.
CREATE TABLE fog_idle_judgements (
	attempt TEXT PRIMARY KEY,
	job     TEXT NOT NULL,
	tenant  TEXT NOT NULL,
	owner   TEXT NOT NULL, -- of the device
	creator TEXT NOT NULL, -- who recorded it
	device  TEXT NOT NULL,
	class   TEXT NOT NULL,
	runtime TEXT NOT NULL,
	outcome TEXT NOT NULL, -- alone, confirmed, contradicted
	made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX fog_idle_judgements_alone ON fog_idle_judgements (device, class, runtime, made_at) WHERE outcome = 'alone';
CREATE INDEX fog_idle_judgements_made ON fog_idle_judgements (made_at);

-- To whom a tenant's devices belong.
CREATE INDEX fog_idle_devices_holders ON fog_idle_devices (tenant, (CASE WHEN substr(owner, 1, 7) = 'device:' THEN creator ELSE owner END))
	WHERE state NOT IN ('unregistered', 'revoked');
