-- Who may what. Of each secret only the SHA-256 is kept: it has 256 random bits, so there is nothing to guess from it.

-- A name stays taken when its token was revoked, so that it never means two of them.
CREATE TABLE tokens (
  name         TEXT PRIMARY KEY,
  hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  role         TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  created_at   TEXT NOT NULL,
  last_used_at TEXT,
  revoked_at   TEXT
) STRICT, WITHOUT ROWID;

-- Logins of browsers. Who replaces or revokes the token ends them all.
CREATE TABLE sessions (
  hash         BLOB PRIMARY KEY CHECK (length(hash) = 32),
  token        TEXT NOT NULL REFERENCES tokens (name) ON DELETE CASCADE,
  created_at   TEXT NOT NULL,
  last_seen_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_token ON sessions (token);
CREATE INDEX sessions_by_age ON sessions (created_at);

-- Who did what. It is added to, and its oldest part removed; nothing in it is changed. A sequence number is never used twice.
CREATE TABLE audit (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  at        TEXT NOT NULL,
  principal TEXT,
  action    TEXT NOT NULL
            CHECK (action IN ('submit', 'rerun', 'cancel', 'login', 'logout', 'access', 'token-create', 'token-revoke')),
  target    TEXT,
  outcome   TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
  address   TEXT
) STRICT;

CREATE INDEX audit_by_age ON audit (at);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
  SELECT raise(ABORT, 'what stands in the audit log is not changed');
END;

-- INSERT OR REPLACE would change an entry all the same, without an UPDATE.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN
  SELECT raise(ABORT, 'what stands in the audit log is not changed');
END;
