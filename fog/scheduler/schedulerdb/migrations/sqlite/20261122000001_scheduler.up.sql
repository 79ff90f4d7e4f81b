-- Times are microseconds since 1970 in UTC, 0 means none. Prices are token base units (1e-6 FOG).
CREATE TABLE scheduler_jobs (
  id          TEXT    PRIMARY KEY NOT NULL,
  tenant      TEXT    NOT NULL,
  owner       TEXT    NOT NULL,
  creator     TEXT    NOT NULL,
  -- Fixed at submission.
  key         TEXT    NOT NULL,
  body_digest TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  tier        TEXT    NOT NULL,
  rank        INTEGER NOT NULL, -- from the tier: smaller is placed first
  milli_cpu   INTEGER NOT NULL,
  memory_mb   INTEGER NOT NULL,
  milli_gpu   INTEGER NOT NULL,
  executor    TEXT    NOT NULL,
  task        TEXT    NOT NULL, -- JSON
  replicas    INTEGER NOT NULL,
  quorum      INTEGER NOT NULL,
  estimate    INTEGER NOT NULL, -- microseconds
  max_runtime INTEGER NOT NULL, -- microseconds
  deadline    INTEGER NOT NULL,
  data_mb     REAL    NOT NULL,
  submitted   INTEGER NOT NULL,
  -- Changes with each version.
  price       INTEGER NOT NULL,
  quote       INTEGER NOT NULL,
  state       TEXT    NOT NULL,
  resume      TEXT    NOT NULL,
  reason      TEXT    NOT NULL,
  progress    REAL    NOT NULL,
  queued      INTEGER NOT NULL,
  started     INTEGER NOT NULL,
  finished    INTEGER NOT NULL,
  ready_at    INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  next_token  INTEGER NOT NULL,
  failures    TEXT    NOT NULL, -- JSON
  result      TEXT    NOT NULL, -- JSON
  log         TEXT    NOT NULL, -- JSON
  version     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX scheduler_jobs_key ON scheduler_jobs (tenant, owner, key) WHERE key <> '';
CREATE INDEX scheduler_jobs_tenant ON scheduler_jobs (tenant, submitted DESC, id DESC);
CREATE INDEX scheduler_jobs_owner ON scheduler_jobs (tenant, owner, submitted DESC, id DESC);
CREATE INDEX scheduler_jobs_state ON scheduler_jobs (tenant, state, submitted DESC, id DESC);
CREATE INDEX scheduler_jobs_ready ON scheduler_jobs (rank, submitted, id, ready_at) WHERE state = 'queued';
CREATE INDEX scheduler_jobs_due ON scheduler_jobs (due_at) WHERE due_at > 0;
CREATE INDEX scheduler_jobs_finished ON scheduler_jobs (finished) WHERE finished > 0;

-- An attempt's identifier is its primary key: <job>.<slot>.<token>.
CREATE TABLE scheduler_attempts (
  job         TEXT    NOT NULL REFERENCES scheduler_jobs (id) ON DELETE CASCADE,
  slot        INTEGER NOT NULL,
  token       INTEGER NOT NULL,
  tenant      TEXT    NOT NULL, -- as the job's
  owner       TEXT    NOT NULL,
  creator     TEXT    NOT NULL,
  node        TEXT    NOT NULL,
  node_owner  TEXT    NOT NULL,
  milli_cpu   INTEGER NOT NULL,
  memory_mb   INTEGER NOT NULL,
  milli_gpu   INTEGER NOT NULL,
  executor    TEXT    NOT NULL,
  price       INTEGER NOT NULL,
  placed      INTEGER NOT NULL,
  -- Changes with each version of the job.
  state       TEXT    NOT NULL,
  started     INTEGER NOT NULL,
  lease_until INTEGER NOT NULL,
  ended       INTEGER NOT NULL,
  class       TEXT    NOT NULL,
  reason      TEXT    NOT NULL,
  progress    REAL    NOT NULL,
  result      TEXT    NOT NULL, -- JSON
  PRIMARY KEY (job, slot, token)
) STRICT;

-- A slot is paid once: at most one of its attempts can ever be valid.
CREATE UNIQUE INDEX scheduler_attempts_valid ON scheduler_attempts (job, slot) WHERE state = 'valid';
CREATE INDEX scheduler_attempts_live ON scheduler_attempts (node) WHERE state IN ('placed', 'running', 'suspended');

CREATE TABLE scheduler_nodes (
  id          TEXT    PRIMARY KEY NOT NULL,
  tenant      TEXT    NOT NULL,
  owner       TEXT    NOT NULL,
  creator     TEXT    NOT NULL,
  state       TEXT    NOT NULL,
  drained     INTEGER NOT NULL CHECK (drained IN (0, 1)),
  reasons     TEXT    NOT NULL, -- JSON
  milli_cpu   INTEGER NOT NULL,
  memory_mb   INTEGER NOT NULL,
  milli_gpu   INTEGER NOT NULL,
  executors   TEXT    NOT NULL, -- JSON
  trust       REAL    NOT NULL,
  labels      TEXT    NOT NULL, -- JSON
  speed       REAL    NOT NULL,
  price       INTEGER NOT NULL,
  source      INTEGER NOT NULL, -- version of the device that the row follows
  version     INTEGER NOT NULL
) STRICT;

CREATE INDEX scheduler_nodes_tenant ON scheduler_nodes (tenant, id);

-- Counters that are kept with each commit, so that nobody has to count jobs. A counter is the sum of its lanes.
CREATE TABLE scheduler_tally (
  tenant TEXT    NOT NULL,
  tier   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  lane   INTEGER NOT NULL,
  value  INTEGER NOT NULL,
  PRIMARY KEY (tenant, tier, name, lane)
) STRICT, WITHOUT ROWID;
