-- The change index of the sync protocol (points 1 and 2): which row of which entity stands where
-- in which scope. Bodies are rendered from the tables when a phone pulls.

-- A scope's head. Its row is locked from the first change until the commit.
CREATE TABLE scope (
  scope_key  INTEGER PRIMARY KEY,
  scope      TEXT NOT NULL UNIQUE,        -- 'store:<store_id>' or 'catalogue'
  generation INTEGER NOT NULL DEFAULT 1,  -- rises when the scope must be loaded anew
  head       INTEGER NOT NULL DEFAULT 0,  -- newest position
  pruned     INTEGER NOT NULL DEFAULT 0   -- tombstones up to this position are gone
);

-- The newest position of each row: state, not history.
CREATE TABLE scope_row (
  scope_key INTEGER NOT NULL,
  entity    TEXT NOT NULL,
  id        TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  kind      TEXT NOT NULL,   -- put, evict, erase
  gone_day  INTEGER,         -- day of an evict or erase, none for a put
  PRIMARY KEY (scope_key, entity, id)
) WITHOUT ROWID;

CREATE UNIQUE INDEX scope_row_seq ON scope_row (scope_key, seq);
CREATE INDEX scope_row_gone ON scope_row (scope_key, gone_day) WHERE gone_day IS NOT NULL;
