-- A digest that somebody holds, and the copy of its bytes on disk. Times are microseconds since 1970, 0 for none.
CREATE TABLE fog_blob_files (
	digest TEXT   PRIMARY KEY,
	bytes  INTEGER NOT NULL CHECK (bytes >= 0),
	copy   TEXT   NOT NULL
) STRICT;

-- Who holds it, and pays for it with its quota.
CREATE TABLE fog_blobs (
	tenant     TEXT   NOT NULL,
	digest     TEXT   NOT NULL REFERENCES fog_blob_files (digest),
	owner      TEXT   NOT NULL,
	creator    TEXT   NOT NULL,
	bytes      INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL,
	PRIMARY KEY (tenant, digest, owner)
) STRICT;
CREATE INDEX fog_blobs_used ON fog_blobs (used_at);
CREATE INDEX fog_blobs_digest ON fog_blobs (digest);

-- What needs a tenant's blob.
CREATE TABLE fog_blob_refs (
	tenant     TEXT   NOT NULL,
	digest     TEXT   NOT NULL,
	by_what    TEXT   NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (tenant, digest, by_what)
) STRICT;

-- The sum of an owner's blobs, kept with them.
CREATE TABLE fog_blob_usage (
	tenant  TEXT   NOT NULL,
	owner   TEXT   NOT NULL,
	creator TEXT   NOT NULL,
	bytes   INTEGER NOT NULL CHECK (bytes >= 0),
	blobs   INTEGER NOT NULL CHECK (blobs >= 0),
	PRIMARY KEY (tenant, owner)
) STRICT;

-- Copies that nobody holds and that may still be on disk.
CREATE TABLE fog_blob_doomed (
	digest TEXT NOT NULL,
	copy   TEXT NOT NULL,
	PRIMARY KEY (digest, copy)
) STRICT;
