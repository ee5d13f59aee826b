-- Jobs and all that is known of them. Times are RFC 3339 in UTC; JSON columns are checked; a state and its timestamps
-- are tied together here as the last guard.

CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- `number` is the order of acceptance, which pages and the dispatch queue follow; it is never used twice.
CREATE TABLE jobs (
  number              INTEGER PRIMARY KEY AUTOINCREMENT,
  id                  TEXT NOT NULL UNIQUE,
  name                TEXT NOT NULL,
  spec                TEXT NOT NULL CHECK (json_valid(spec)),
  priority            INTEGER NOT NULL,
  request_hash        TEXT NOT NULL,
  id_given            INTEGER NOT NULL DEFAULT 0 CHECK (id_given IN (0, 1)),
  rerun_of            TEXT,
  namespace           TEXT NOT NULL,
  generate_name       TEXT NOT NULL,
  kubernetes_name     TEXT NOT NULL CHECK (kubernetes_name LIKE generate_name || '%'),
  state               TEXT NOT NULL DEFAULT 'QUEUED'
                      CHECK (state IN ('QUEUED', 'CREATED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST')),
  reason              TEXT,
  explanation         TEXT,
  discrepancy         TEXT,
  report              TEXT CHECK (json_valid(report)),
  result              TEXT CHECK (json_valid(result)),
  created_at          TEXT NOT NULL,
  claimed_at          TEXT,
  started_at          TEXT,
  finished_at         TEXT,
  cancel_requested_at TEXT,
  cancel_cause        TEXT CHECK (cancel_cause IN ('User', 'StartDeadline')),
  dispatch            TEXT CHECK (dispatch IN ('created', 'refused', 'unknown')),
  dispatch_reason     TEXT,
  dispatch_message    TEXT,
  kubernetes_uid      TEXT,
  observation         TEXT CHECK (json_valid(observation)),
  gone                INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
  pod_refusal         TEXT,
  events_kept         INTEGER NOT NULL DEFAULT 1 CHECK (events_kept IN (0, 1)),
  CHECK ((finished_at IS NOT NULL) = (state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'))),
  CHECK (started_at IS NULL OR state NOT IN ('QUEUED', 'CREATED')),
  CHECK (started_at IS NOT NULL OR state <> 'RUNNING'),
  CHECK (claimed_at IS NOT NULL OR state IN ('QUEUED', 'CANCELLED', 'FAILED')),
  CHECK (claimed_at IS NOT NULL OR (dispatch IS NULL AND kubernetes_uid IS NULL)),
  CHECK ((cancel_requested_at IS NULL) = (cancel_cause IS NULL)),
  CHECK (kubernetes_uid IS NOT NULL OR dispatch IS NOT 'created'),
  CHECK (kubernetes_uid IS NULL OR dispatch IS NOT NULL),
  CHECK (kubernetes_uid IS NOT NULL OR (observation IS NULL AND gone = 0))
) STRICT;

-- With name and id, so that a search within a state reads nothing but this index.
CREATE INDEX jobs_by_state ON jobs (state, number, name, id);
CREATE INDEX jobs_by_name ON jobs (name, number);
CREATE INDEX jobs_to_dispatch ON jobs ((claimed_at IS NULL), priority DESC, number)
  WHERE finished_at IS NULL AND dispatch IS NULL;
CREATE INDEX jobs_in_flight ON jobs (number) WHERE claimed_at IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_left_behind ON jobs (number)
  WHERE finished_at IS NOT NULL AND kubernetes_uid IS NOT NULL AND gone = 0;
CREATE INDEX jobs_to_cancel ON jobs (number) WHERE cancel_requested_at IS NOT NULL AND finished_at IS NULL;
-- What may be removed in time, and of these what still has its history: the first to end comes first.
CREATE INDEX jobs_by_end ON jobs (finished_at, number)
  WHERE finished_at IS NOT NULL AND (kubernetes_uid IS NULL OR gone = 1);
CREATE INDEX jobs_with_history ON jobs (finished_at, number)
  WHERE finished_at IS NOT NULL AND (kubernetes_uid IS NULL OR gone = 1) AND events_kept = 1;

-- Counting a million rows for every page would be felt; seven rows are kept in step instead.
CREATE TABLE job_counts (
  state TEXT PRIMARY KEY,
  jobs  INTEGER NOT NULL DEFAULT 0 CHECK (jobs >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO job_counts (state)
VALUES ('QUEUED'), ('CREATED'), ('RUNNING'), ('SUCCEEDED'), ('FAILED'), ('CANCELLED'), ('LOST');

CREATE TRIGGER jobs_counted_in AFTER INSERT ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;

CREATE TRIGGER jobs_counted_out AFTER DELETE ON jobs BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
END;

CREATE TRIGGER jobs_counted_on AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state BEGIN
  UPDATE job_counts SET jobs = jobs - 1 WHERE state = OLD.state;
  UPDATE job_counts SET jobs = jobs + 1 WHERE state = NEW.state;
END;

-- Finds any part of a name without reading them all; a copy of the names themselves is not kept.
CREATE VIRTUAL TABLE job_names USING fts5 (
  name, content = 'jobs', content_rowid = 'number', tokenize = 'trigram', detail = 'none'
);

CREATE TRIGGER jobs_named AFTER INSERT ON jobs BEGIN
  INSERT INTO job_names (rowid, name) VALUES (NEW.number, NEW.name);
END;

CREATE TRIGGER jobs_unnamed AFTER DELETE ON jobs BEGIN
  INSERT INTO job_names (job_names, rowid, name) VALUES ('delete', OLD.number, OLD.name);
END;

CREATE TABLE idempotency_keys (
  key          TEXT PRIMARY KEY,
  request_hash TEXT NOT NULL,
  job_id       TEXT NOT NULL,
  created_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_job ON idempotency_keys (job_id);

-- What a removed job was, for whoever asks for it again with the same key, or with the id that he gave it.
CREATE TABLE tombstones (
  job_id       TEXT PRIMARY KEY,
  request_hash TEXT NOT NULL,
  accepted_at  TEXT NOT NULL,
  job          TEXT NOT NULL CHECK (json_valid(job))
) STRICT;

CREATE INDEX tombstones_by_age ON tombstones (accepted_at);

-- The history. A sequence number is never used twice, since readers follow by it.
CREATE TABLE job_events (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL REFERENCES jobs (id),
  at     TEXT NOT NULL,
  kind   TEXT NOT NULL CHECK (kind IN ('state', 'report', 'pod', 'log', 'cancel')),
  state  TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;

CREATE INDEX job_events_by_job ON job_events (job_id, seq);

-- The last look at each pod. `stopped`: it was seen to be deleted while it still ran. `waited_for`: what once kept it from starting.
-- `idle`: it was refused the claim on its task, since another pod held it.
-- `ended`, `has_run` and `stuck` are core's words for the look. `log` is where the pod's log stands: still to be fetched, kept, never to
-- be had, or kept once and removed since. Of a container that is started again in its pod, `runs_over` counts the runs before, and
-- `runs_kept` those whose log was fetched so far.
CREATE TABLE pods (
  number              INTEGER PRIMARY KEY,
  uid                 TEXT NOT NULL UNIQUE,
  job_id              TEXT NOT NULL REFERENCES jobs (id),
  name                TEXT NOT NULL,
  job_uid             TEXT NOT NULL,
  job_name            TEXT,
  task                INTEGER NOT NULL,
  phase               TEXT NOT NULL CHECK (phase IN ('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown')),
  created_at          TEXT NOT NULL,
  started_at          TEXT,
  finished_at         TEXT,
  exit_code           INTEGER,
  restarts            INTEGER NOT NULL,
  reason              TEXT,
  message             TEXT,
  termination_message TEXT,
  deleted_at          TEXT,
  ended               INTEGER NOT NULL CHECK (ended IN (0, 1)),
  has_run             INTEGER NOT NULL CHECK (has_run IN (0, 1)),
  stuck               INTEGER NOT NULL CHECK (stuck IN (0, 1)),
  stopped             INTEGER NOT NULL CHECK (stopped IN (0, 1)),
  waited_for          TEXT,
  idle                INTEGER NOT NULL DEFAULT 0 CHECK (idle IN (0, 1)),
  gone                INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
  runs_over           INTEGER NOT NULL,
  runs_kept           INTEGER NOT NULL DEFAULT 0,
  log                 TEXT NOT NULL DEFAULT 'open' CHECK (log IN ('open', 'kept', 'unavailable', 'expired'))
) STRICT;

CREATE INDEX pods_by_job ON pods (job_id, task, created_at, number);
CREATE INDEX pods_in_turn ON pods (job_id, number);
CREATE INDEX pods_by_age ON pods (job_id, created_at, uid);
CREATE INDEX pods_that_failed ON pods (job_id, created_at, uid) WHERE phase = 'Failed' AND stopped = 0;
CREATE INDEX pods_present ON pods (job_id) WHERE gone = 0;
CREATE INDEX pods_that_ran ON pods (job_id, started_at) WHERE has_run = 1;
CREATE INDEX pods_stuck ON pods (job_id, task, created_at, number) WHERE stuck = 1 AND gone = 0;
CREATE INDEX pods_with_open_log ON pods (number)
  WHERE log = 'open' AND (ended = 1 OR deleted_at IS NOT NULL OR runs_over > runs_kept);

-- `source`: most came by themselves; a `message` stood in the termination message of a pod whose reports were lost.
CREATE TABLE reports (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      TEXT NOT NULL REFERENCES jobs (id),
  at          TEXT NOT NULL,
  status      TEXT NOT NULL,
  terminal    TEXT CHECK (terminal IN ('SUCCESS', 'ERROR')),
  message     TEXT,
  progress    REAL,
  task        INTEGER NOT NULL,
  attempt     INTEGER,
  pod_uid     TEXT,
  source      TEXT NOT NULL CHECK (source IN ('report', 'message')),
  contradicts INTEGER NOT NULL CHECK (contradicts IN (0, 1))
) STRICT;

CREATE INDEX reports_by_job ON reports (job_id, seq);
CREATE INDEX reports_terminal ON reports (job_id) WHERE terminal IS NOT NULL;
CREATE UNIQUE INDEX reports_from_messages ON reports (pod_uid) WHERE source = 'message';

-- The latest word on each task, so that nobody reads all of them for it.
CREATE TABLE task_reports (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  task   INTEGER NOT NULL,
  seq    INTEGER NOT NULL UNIQUE REFERENCES reports (seq),
  PRIMARY KEY (job_id, task)
) STRICT, WITHOUT ROWID;

-- Every pod that held a task, in turn; the latest holds it now.
CREATE TABLE claims (
  job_id  TEXT NOT NULL REFERENCES jobs (id),
  task    INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  pod_uid TEXT NOT NULL,
  at      TEXT NOT NULL,
  PRIMARY KEY (job_id, task, attempt),
  UNIQUE (job_id, task, pod_uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
  pod_uid TEXT PRIMARY KEY REFERENCES pods (uid),
  job_id  TEXT NOT NULL REFERENCES jobs (id),
  kept_at TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  text    BLOB NOT NULL
) STRICT;

CREATE INDEX logs_by_job ON logs (job_id);
CREATE INDEX logs_by_age ON logs (kept_at, pod_uid);

-- How much there is of what is kept up to a size; to add it up each time would be felt.
CREATE TABLE kept (
  number    INTEGER PRIMARY KEY CHECK (number = 1),
  events    INTEGER NOT NULL CHECK (events >= 0),
  log_bytes INTEGER NOT NULL CHECK (log_bytes >= 0)
) STRICT;

INSERT INTO kept VALUES (1, 0, 0);

CREATE TRIGGER events_counted_in AFTER INSERT ON job_events BEGIN
  UPDATE kept SET events = events + 1;
END;

CREATE TRIGGER events_counted_out AFTER DELETE ON job_events BEGIN
  UPDATE kept SET events = events - 1;
END;

CREATE TRIGGER logs_weighed_in AFTER INSERT ON logs BEGIN
  UPDATE kept SET log_bytes = log_bytes + octet_length(NEW.text);
END;

CREATE TRIGGER logs_weighed_out AFTER DELETE ON logs BEGIN
  UPDATE kept SET log_bytes = log_bytes - octet_length(OLD.text);
END;

CREATE TRIGGER logs_weighed_on AFTER UPDATE OF text ON logs BEGIN
  UPDATE kept SET log_bytes = log_bytes - octet_length(OLD.text) + octet_length(NEW.text);
END;
