-- A Job that is deleted without its pods leaves them to run on, and to stand in the cluster for ever once they have ended.

ALTER TABLE pods ADD COLUMN orphaned INTEGER NOT NULL DEFAULT 0 CHECK (orphaned IN (0, 1));
