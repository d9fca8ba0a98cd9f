-- The mirror: operations that exist only on this phone, and its pairing. Columns as in tables.sql.
DROP TABLE IF EXISTS outbox;
DROP TABLE IF EXISTS meta;
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE outbox (
  outbox_id INTEGER PRIMARY KEY,
  n INTEGER,
  op_id TEXT NOT NULL UNIQUE,
  staff_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  base_version INTEGER NOT NULL,
  body BLOB NOT NULL,
  member_id TEXT,
  state TEXT NOT NULL,
  held_until_ms INTEGER,
  failures INTEGER NOT NULL,
  erased INTEGER NOT NULL,
  done_at_ms INTEGER,
  reason TEXT,
  reason_values TEXT,
  put_away INTEGER NOT NULL
);
