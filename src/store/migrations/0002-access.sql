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
