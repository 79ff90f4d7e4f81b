-- A digest that somebody holds, and the copy of its bytes on disk. Times are microseconds since 1970, 0 for none.
CREATE TABLE fog_blob_files (
	digest TEXT   PRIMARY KEY,
	bytes  BIGINT NOT NULL CHECK (bytes >= 0),
	copy   TEXT   NOT NULL
);

-- Who holds it, and pays for it with its quota.
CREATE TABLE fog_blobs (
	tenant     TEXT   NOT NULL,
	digest     TEXT   NOT NULL REFERENCES fog_blob_files (digest),
	owner      TEXT   NOT NULL,
	creator    TEXT   NOT NULL,
	bytes      BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, digest, owner)
);
CREATE INDEX fog_blobs_used ON fog_blobs (used_at);
CREATE INDEX fog_blobs_digest ON fog_blobs (digest);

-- What needs a tenant's blob.
CREATE TABLE fog_blob_refs (
	tenant     TEXT   NOT NULL,
	digest     TEXT   NOT NULL,
	by_what    TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, digest, by_what)
);

-- The sum of an owner's blobs, kept with them.
CREATE TABLE fog_blob_usage (
	tenant  TEXT   NOT NULL,
	owner   TEXT   NOT NULL,
	creator TEXT   NOT NULL,
	bytes   BIGINT NOT NULL CHECK (bytes >= 0),
	blobs   BIGINT NOT NULL CHECK (blobs >= 0),
	PRIMARY KEY (tenant, owner)
);

-- Copies that nobody holds and that may still be on disk.
CREATE TABLE fog_blob_doomed (
	digest TEXT NOT NULL,
	copy   TEXT NOT NULL,
	PRIMARY KEY (digest, copy)
);
