-- The tables of a phone's file. Dates are days since 1970-01-01 (`*_day`, `day`), birthdays also
-- as 20000229 (`birthday_ymd`), instants milliseconds UTC (`*_ms`), money fen, quantities
-- thousandths of a pack. No foreign keys: rows of different scopes come in any order.

-- Names and values of this phone: device, epoch, staff, locks, progress of the figures.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;

-- Scopes and how far each is held. Rows and cursor change in one transaction. `shape`: of the rows
-- when they were loaded. `stale`: shown, but to be loaded anew.
CREATE TABLE scope (
  scope_key INTEGER PRIMARY KEY,
  scope TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL,
  after INTEGER NOT NULL,
  shape INTEGER NOT NULL,
  stale INTEGER NOT NULL
);

-- Which scope holds which row, and the row's position there.
CREATE TABLE scope_row (
  entity TEXT NOT NULL,
  id TEXT NOT NULL,
  scope_key INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (entity, id, scope_key)
) WITHOUT ROWID;

-- Members. `standing`: 0 only referred to by other rows, 1 held by the store's scope or registered
-- here, 2 looked up for 24 hours. The number is kept backwards: a suffix is a prefix of it.
-- `extra` is CBOR: allergies, consents, regimens, aliases; NULL if all are empty.
CREATE TABLE member (
  member_key INTEGER PRIMARY KEY,
  member_id TEXT NOT NULL,
  standing INTEGER NOT NULL,
  store_id TEXT,
  name TEXT NOT NULL,
  phone_reversed TEXT,
  sex TEXT,
  birthday_ymd INTEGER,
  joined_day INTEGER,
  tags TEXT NOT NULL,
  diseases TEXT NOT NULL,
  flags INTEGER NOT NULL,
  height_cm INTEGER,
  weight_hg INTEGER,
  paused_until_day INTEGER,
  lifetime_times INTEGER NOT NULL,
  lifetime_total_fen INTEGER NOT NULL,
  last_visit_day INTEGER,
  version INTEGER NOT NULL,
  extra BLOB
);
-- A row is addressed by its id; a scanned card is one. A first load needs it as well.
CREATE UNIQUE INDEX member_by_id ON member (member_id);

-- Other ids of a member: temporary ones, and those of merged records.
CREATE TABLE alias (alias_id TEXT PRIMARY KEY, member_key INTEGER NOT NULL) WITHOUT ROWID;

-- Stores that lines name.
CREATE TABLE place (store_key INTEGER PRIMARY KEY, store_id TEXT NOT NULL UNIQUE);

-- The catalogue. `known` = 0: a line names the drug, the catalogue has not (yet) told of it.
CREATE TABLE drug (
  drug_key INTEGER PRIMARY KEY,
  drug_id TEXT NOT NULL UNIQUE,
  known INTEGER NOT NULL,
  name TEXT NOT NULL,
  ingredient TEXT,
  category TEXT,
  manufacturer TEXT,
  spec TEXT,
  units_per_pack_milli INTEGER,
  daily_units_milli INTEGER,
  prescription INTEGER NOT NULL,
  chronic INTEGER NOT NULL
);

-- Purchase lines of 24 months, all of a member in one piece (`rows/purchases.rs` packs them): a
-- profile reads one place of the file.
CREATE TABLE purchases (member_key INTEGER PRIMARY KEY, lines BLOB NOT NULL);

-- Who bought this drug, and when: the lines netted by drug, day and member, for audiences, which
-- never read the lines themselves.
CREATE TABLE bought (
  drug_key INTEGER NOT NULL,
  day INTEGER NOT NULL,
  member_key INTEGER NOT NULL,
  quantity_milli INTEGER NOT NULL,
  amount_fen INTEGER NOT NULL,
  PRIMARY KEY (drug_key, day, member_key)
) WITHOUT ROWID;

-- Readings. `superseded`: another reading corrects this one.
CREATE TABLE reading (
  reading_key INTEGER PRIMARY KEY,
  reading_id TEXT NOT NULL UNIQUE,
  member_key INTEGER NOT NULL,
  taken_at_ms INTEGER NOT NULL,
  day INTEGER NOT NULL,
  kind TEXT NOT NULL,
  context TEXT NOT NULL,
  systolic INTEGER,
  diastolic INTEGER,
  glucose_tenths INTEGER,
  staff_id TEXT,
  supersedes TEXT,
  superseded INTEGER NOT NULL
);

CREATE TABLE note (
  note_key INTEGER PRIMARY KEY,
  note_id TEXT NOT NULL UNIQUE,
  member_key INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  staff_id TEXT NOT NULL,
  text TEXT NOT NULL,
  supersedes TEXT
);

-- Tasks, column by column: a list of 500 reads no other form. `why_values`: JSON pairs, NULL if there
-- are none; `outcomes`: CBOR of the one that counts and the others, NULL if there are none.
CREATE TABLE task (
  task_key INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL UNIQUE,
  member_key INTEGER NOT NULL,
  store_id TEXT NOT NULL,
  assignee TEXT,
  kind TEXT NOT NULL,
  purpose TEXT NOT NULL,
  origin TEXT NOT NULL,
  campaign_id TEXT,
  step INTEGER NOT NULL,
  why_code TEXT NOT NULL,
  why_values TEXT,
  script_id TEXT,
  emergency INTEGER NOT NULL,
  start_day INTEGER NOT NULL,
  due_day INTEGER NOT NULL,
  state TEXT NOT NULL,
  deferred_until_day INTEGER,
  deferred_until_ms INTEGER,
  closes_from_day INTEGER,
  closes_until_day INTEGER,
  attempts INTEGER NOT NULL,
  avoid_part INTEGER,
  outcomes BLOB,
  nudged_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  version INTEGER NOT NULL
);

-- Outcomes of tasks by the attempt they belong to, for the contact view; written with the task.
CREATE TABLE task_outcome (
  outcome_id TEXT PRIMARY KEY,
  task_key INTEGER NOT NULL,
  attempt_id TEXT,
  outcome TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  staff_id TEXT NOT NULL,
  superseded INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE attempt (
  attempt_key INTEGER PRIMARY KEY,
  attempt_id TEXT NOT NULL UNIQUE,
  member_key INTEGER NOT NULL,
  task_id TEXT,
  staff_id TEXT NOT NULL,
  purpose TEXT NOT NULL,
  channel TEXT NOT NULL,
  number_hash TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  day INTEGER NOT NULL,
  ended_at_ms INTEGER,
  duration_s INTEGER,
  result TEXT,
  recording TEXT
);

-- Recordings of calls (`recording/rows.rs` tells the states). Their bytes are files beside this one, each
-- encrypted with the key in its row: without the row nobody can read the file.
CREATE TABLE recording (
  attempt_id TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,
  staff_id TEXT NOT NULL,
  call_at_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  file_name TEXT NOT NULL,
  file_key BLOB,
  sent_bytes INTEGER NOT NULL,
  uploaded_epoch TEXT,
  seen_at_hub INTEGER NOT NULL,
  last_error TEXT,
  changed_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE send (
  send_key INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  member_key INTEGER NOT NULL,
  task_id TEXT,
  campaign_id TEXT,
  step INTEGER NOT NULL,
  channel TEXT NOT NULL,
  purpose TEXT NOT NULL,
  template_id TEXT NOT NULL,
  staff_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  day INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT
);

-- Packs in this store.
CREATE TABLE stock (drug_key INTEGER PRIMARY KEY, units_milli INTEGER NOT NULL);

-- Small records as they came (CBOR): store, staff, template, campaign, model, rules, duplicate,
-- and every entity that this build does not know (kept for the build that will).
CREATE TABLE record (
  entity TEXT NOT NULL,
  id TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (entity, id)
) WITHOUT ROWID;

-- What a clerk did, on its way to the hub. `state`:
--   held      within its take-back time; has no number yet
--   pending   numbered, the hub has not answered
--   answered  the hub has it (applied, merged, duplicate); its effect has not come back by a pull
--   sent      its effect is in the pulled rows; kept 35 days in case the hub is restored
--   rejected  refused by the hub with a reason; shown until put away
--   parked    handed over as opaque bytes; shown until put away
-- `held`, `pending` and `answered` are replayed over the server's rows. `erased`: the data of its
-- member were erased while it waited; it is forgotten with the hub's answer.
CREATE TABLE outbox (
  outbox_id INTEGER PRIMARY KEY,
  n INTEGER UNIQUE,
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

-- Rows that an operation touches.
CREATE TABLE outbox_row (
  outbox_id INTEGER NOT NULL,
  entity TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (outbox_id, entity, id)
) WITHOUT ROWID;

-- Rows touched by operations that are still to come back, as the server had them; a NULL body:
-- the server had none.
CREATE TABLE base_row (
  entity TEXT NOT NULL,
  id TEXT NOT NULL,
  body BLOB,
  PRIMARY KEY (entity, id)
) WITHOUT ROWID;

-- What both ends compute and never send: figures and class of each member, as of `as_of_day`.
CREATE TABLE figure (
  member_key INTEGER PRIMARY KEY,
  as_of_day INTEGER NOT NULL,
  recency INTEGER,
  frequency INTEGER NOT NULL,
  monetary_fen INTEGER NOT NULL,
  basket_fen INTEGER,
  scores INTEGER NOT NULL,
  base_class TEXT NOT NULL,
  class TEXT NOT NULL,
  value_index INTEGER NOT NULL,
  care TEXT NOT NULL,
  brand_loyal INTEGER,            -- 0, 1; NULL: unknown, which is not 0
  price_leaning TEXT,
  regular INTEGER,                -- 0, 1; NULL: unknown
  testing TEXT,
  severity TEXT,
  next_end_day INTEGER,           -- earliest end of a medicine that is not lapsed
  next_ingredient_key INTEGER,    -- of that medicine
  answered_hours INTEGER NOT NULL
);

-- Run-out of each medicine of a member, as of the figures' day. Audiences read the view `medicine`.
CREATE TABLE medicine_end (
  member_key INTEGER NOT NULL,
  ingredient_key INTEGER NOT NULL,
  end_day INTEGER,
  estimated INTEGER NOT NULL,
  PRIMARY KEY (member_key, ingredient_key)
) WITHOUT ROWID;

-- Ingredients that medicines name.
CREATE TABLE ingredient (ingredient_key INTEGER PRIMARY KEY, ingredient TEXT NOT NULL UNIQUE);

-- Members whose figures are to be computed anew.
CREATE TABLE figure_stale (member_key INTEGER PRIMARY KEY);

-- Search: characters and pairs of characters after the first of a name.
CREATE TABLE gram (gram TEXT NOT NULL, member_key INTEGER NOT NULL, PRIMARY KEY (gram, member_key)) WITHOUT ROWID;

-- Search: initials (`kind` 0) and full pinyin (1) of a name, in every reading.
CREATE TABLE pinyin (
  kind INTEGER NOT NULL,
  reading TEXT NOT NULL,
  member_key INTEGER NOT NULL,
  PRIMARY KEY (kind, reading, member_key)
) WITHOUT ROWID;

-- Members looked up from other stores, and when they are forgotten.
CREATE TABLE lookup (member_id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;

-- PINs of the staff who share this phone: a slow hash, and the attempts that failed.
CREATE TABLE pin (
  staff_id TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  failures INTEGER NOT NULL,
  blocked_until_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The last rounds of sync, for support (JSON, codes and counts); a ring of 50.
CREATE TABLE sync_round (round_key INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL);

-- Contacts that the gate refused: each is kept and counted.
CREATE TABLE refusal (
  refusal_key INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  member_key INTEGER NOT NULL,
  channel TEXT NOT NULL,
  purpose TEXT NOT NULL,
  reason TEXT NOT NULL
);
