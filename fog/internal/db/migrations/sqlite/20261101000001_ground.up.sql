-- Facts: what has happened, for whoever has to act on it. Times are microseconds since 1970, 0 for none.
CREATE TABLE fog_facts (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: a claim names it
	topic      TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	version    INTEGER NOT NULL,
	state      INTEGER NOT NULL DEFAULT 0, -- 0 open or claimed, 1 parked, 2 done
	tries      INTEGER NOT NULL DEFAULT 0,
	token      TEXT    NOT NULL DEFAULT '', -- of the claim
	until_at   INTEGER NOT NULL DEFAULT 0, -- end of the claim, or not before this
	reason     TEXT    NOT NULL DEFAULT '',
	created_at INTEGER NOT NULL,
	ended_at   INTEGER NOT NULL DEFAULT 0 -- parked or done at
) STRICT;
CREATE INDEX fog_facts_open ON fog_facts (topic, seq) WHERE state = 0;
CREATE INDEX fog_facts_parked ON fog_facts (ended_at, seq) WHERE state = 1;
CREATE INDEX fog_facts_done ON fog_facts (ended_at) WHERE state = 2;

-- Duties: jobs that one server at a time does for all. The number is a fencing token: it only grows.
CREATE TABLE fog_duties (
	name     TEXT    PRIMARY KEY,
	holder   TEXT    NOT NULL, -- empty: released
	until_at INTEGER NOT NULL,
	number   INTEGER NOT NULL CHECK (number > 0)
) STRICT;
