-- A search looks through the texts of jobs. What still changes is read row by row, since it is little; what has ended is indexed, once,
-- some time after its end and in bites, so that neither an accept nor a report pays for it.

DROP TRIGGER jobs_named;
DROP TRIGGER jobs_unnamed;
DROP TABLE job_names;

-- Ended jobs that the index does not know, or not as they are now. A search reads these as well.
CREATE TABLE jobs_to_index (
  number INTEGER PRIMARY KEY
) STRICT;

-- Thereby the jobs of an older database are left to the service as it runs: indexing a million of them takes a minute.
INSERT INTO jobs_to_index
SELECT number FROM jobs WHERE state IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST') ORDER BY number;

-- The row of a job is found under the negative of its number: FTS5 reads fastest upwards, and the newest are asked for first.
-- Nothing is kept but which row has which three letters. They are folded already.
CREATE VIRTUAL TABLE job_texts USING fts5 (
  text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1', detail = 'none'
);

-- By itself it would now and then merge its parts for some 30 ms within an insert; instead the service merges a little after each bite.
INSERT INTO job_texts (job_texts, rank) VALUES ('automerge', 0);

-- At the end, and whenever something is told of an ended job that can be searched for.
CREATE TRIGGER jobs_ended AFTER UPDATE OF finished_at, report, reason, explanation ON jobs WHEN NEW.finished_at IS NOT NULL BEGIN
  INSERT INTO jobs_to_index (number) VALUES (NEW.number) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER jobs_unsearched AFTER DELETE ON jobs BEGIN
  DELETE FROM jobs_to_index WHERE number = OLD.number;
  DELETE FROM job_texts WHERE rowid = -OLD.number;
END;

-- Name and id were there for searches, and were written anew with each change of the state.
DROP INDEX jobs_by_state;
CREATE INDEX jobs_by_state ON jobs (state, number);
