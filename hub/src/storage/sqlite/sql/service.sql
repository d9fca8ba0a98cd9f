-- What the sync service, campaigns and the audit trail keep. Records of the domain are held whole
-- as JSON in `body`; the columns beside it repeat what SQL has to find or count, and are written
-- only together with it.

-- A phone of a store. Its refresh secret is held as a SHA-256 only.
CREATE TABLE device (
  device_id    TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  store_id     TEXT NOT NULL,
  staff_id     TEXT,               -- whom the pairing code was made for
  refresh_hash BLOB NOT NULL,
  created_ms   INTEGER NOT NULL,
  seen_ms      INTEGER,
  revoked_ms   INTEGER,
  last_n       INTEGER NOT NULL DEFAULT 0,
  schema_no    INTEGER,
  app_version  TEXT,
  ahead_ms     INTEGER NOT NULL DEFAULT 0 -- how far its clock was ahead when it was last seen
);

-- One-time pairing codes; the secret is held as a SHA-256 only.
CREATE TABLE pair_code (
  code_id     TEXT PRIMARY KEY,
  secret_hash BLOB NOT NULL,
  store_id    TEXT NOT NULL,
  staff_id    TEXT,
  created_ms  INTEGER NOT NULL,
  expires_ms  INTEGER NOT NULL,
  used_ms     INTEGER,
  device_id   TEXT
);

-- The result of each operation, written with its effect (protocol, point 7).
CREATE TABLE op_result (
  op_id     TEXT PRIMARY KEY,
  device_id TEXT NOT NULL,
  n         INTEGER NOT NULL,
  at_ms     INTEGER NOT NULL,      -- when the hub took it
  body      TEXT NOT NULL          -- OpResult in JSON
) WITHOUT ROWID;
CREATE INDEX op_result_age ON op_result (at_ms);

-- Operations that could not be read or done, kept as they came.
CREATE TABLE parked_op (
  parked_key  INTEGER PRIMARY KEY,
  op_id       TEXT NOT NULL UNIQUE,
  device_id   TEXT NOT NULL,
  n           INTEGER NOT NULL,
  staff_id    TEXT NOT NULL,
  at_ms       INTEGER NOT NULL,    -- by the phone's clock
  base_version INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  body        BLOB NOT NULL,
  replayed_ms INTEGER,
  result      TEXT                 -- OpResult of the replay in JSON
);

CREATE TABLE task (
  task_id            TEXT PRIMARY KEY,
  member_id          TEXT NOT NULL,
  store_id           TEXT NOT NULL,
  assignee           TEXT,
  campaign_id        TEXT,
  state              TEXT NOT NULL,
  due_day            INTEGER NOT NULL,
  deferred_until_day INTEGER,
  deferred_until_ms  INTEGER,
  closes_from_day    INTEGER,      -- a purchase between these days closes it
  closes_to_day      INTEGER,
  body               TEXT NOT NULL
);
CREATE INDEX task_member ON task (member_id);
CREATE INDEX task_store ON task (store_id, state, due_day);
CREATE INDEX task_live ON task (state, due_day) WHERE state IN ('open', 'in_progress', 'deferred');
CREATE INDEX task_campaign ON task (campaign_id) WHERE campaign_id IS NOT NULL;

CREATE TABLE attempt (
  attempt_id    TEXT PRIMARY KEY,
  task_id       TEXT,
  member_id     TEXT NOT NULL,
  staff_id      TEXT NOT NULL,
  channel       TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  day           INTEGER NOT NULL,  -- business date of the start
  result        TEXT,
  body          TEXT NOT NULL
);
CREATE INDEX attempt_member ON attempt (member_id, day);
CREATE INDEX attempt_task ON attempt (task_id) WHERE task_id IS NOT NULL;

-- Recordings of calls. Their bytes are files beside the database (`DIR/recordings`), each encrypted with
-- a key of its own, which is here wrapped with the hub's master key (`DIR/keys`): without the row nobody
-- can read the file. A deleted one keeps its row, so that no phone sends it again.
CREATE TABLE recording (
  attempt_id   TEXT PRIMARY KEY,
  store_id     TEXT NOT NULL,      -- of the phone that sent it; its quota
  device_id    TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,  -- of the call: it is deleted so many days after
  sha256       TEXT NOT NULL,
  bytes        INTEGER NOT NULL,
  media_type   TEXT NOT NULL,
  received     INTEGER NOT NULL,   -- bytes that are on the disk
  mismatches   INTEGER NOT NULL,   -- how often its bytes did not have their digest
  file_name    TEXT NOT NULL,      -- random; says nothing; empty once its file was removed
  file_key     BLOB,               -- wrapped; NULL once deleted
  state        TEXT NOT NULL,      -- receiving, complete, deleted
  reason       TEXT,               -- why it was deleted
  changed_ms   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX recording_store ON recording (store_id, state);
CREATE INDEX recording_to_remove ON recording (file_name) WHERE state = 'deleted' AND file_name <> '';

CREATE TABLE note (
  note_id   TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,
  at_ms     INTEGER NOT NULL,
  body      TEXT NOT NULL
);
CREATE INDEX note_member ON note (member_id, at_ms);

-- Messages. The key (campaign/member/step/channel) makes a send idempotent.
CREATE TABLE send (
  send_key  TEXT PRIMARY KEY,
  task_id   TEXT,
  member_id TEXT NOT NULL,
  channel   TEXT NOT NULL,
  at_ms     INTEGER NOT NULL,
  day       INTEGER NOT NULL,
  state     TEXT NOT NULL,
  body      TEXT NOT NULL
);
CREATE INDEX send_member ON send (member_id, day);
CREATE INDEX send_task ON send (task_id) WHERE task_id IS NOT NULL;

-- Outcomes of tasks, one row each, for contacts; corrected ones are left out. The records are in the
-- task's body.
CREATE TABLE task_outcome (
  outcome_id TEXT PRIMARY KEY,
  task_id    TEXT NOT NULL,
  attempt_id TEXT,
  code       TEXT NOT NULL,
  at_ms      INTEGER NOT NULL
);
CREATE INDEX task_outcome_attempt ON task_outcome (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX task_outcome_task ON task_outcome (task_id);

-- Answered calls and delivered messages: what counts as a contact (rules, section 9). A call that was
-- cut off is none (domain::gate::is_answered).
CREATE VIEW v_contact AS
  SELECT m.member_key AS member_key, a.day AS day, a.started_at_ms AS at_ms, a.channel AS channel,
         (SELECT o.code FROM task_outcome o WHERE o.attempt_id = a.attempt_id
          ORDER BY o.at_ms DESC, o.outcome_id DESC LIMIT 1) AS outcome
    FROM attempt a JOIN member m ON m.member_id = a.member_id
   WHERE a.result = 'answered'
  UNION ALL
  SELECT m.member_key, s.day, s.at_ms, s.channel, NULL
    FROM send s JOIN member m ON m.member_id = s.member_id
   WHERE s.state = 'delivered';

CREATE TABLE template (
  template_id TEXT PRIMARY KEY,
  kind        TEXT NOT NULL,       -- script, sms, wechat
  body        TEXT NOT NULL
);

CREATE TABLE campaign (
  campaign_id     TEXT PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE,
  kind            TEXT NOT NULL,
  purpose         TEXT NOT NULL,
  script_id       TEXT,
  start_day       INTEGER NOT NULL,   -- the assignment day
  due_day         INTEGER NOT NULL,
  window_days     INTEGER NOT NULL,
  cost_fen        INTEGER,            -- none: not told, so no ROI
  holdout_percent INTEGER NOT NULL,
  audience        TEXT,               -- JSON; none if the members were listed
  created_ms      INTEGER NOT NULL,
  ready           INTEGER NOT NULL    -- 0 until all its members are assigned
);

-- Who was assigned to a campaign, and to which arm.
CREATE TABLE assignment (
  campaign_id TEXT NOT NULL,
  member_id   TEXT NOT NULL,
  arm         TEXT NOT NULL,          -- treated, holdout
  assigned_day INTEGER NOT NULL,
  assigned_ms INTEGER NOT NULL,       -- orders assignments of one day
  task_id     TEXT,
  PRIMARY KEY (campaign_id, member_id)
) WITHOUT ROWID;
CREATE INDEX assignment_member ON assignment (member_id, assigned_day);

-- Two members on one number who may be one person.
CREATE TABLE duplicate (
  pair_id   TEXT PRIMARY KEY,         -- both ids joined by '+'
  first_id  TEXT NOT NULL,
  second_id TEXT NOT NULL,
  state     TEXT NOT NULL             -- open, merged, apart
) WITHOUT ROWID;
CREATE INDEX duplicate_first ON duplicate (first_id);
CREATE INDEX duplicate_second ON duplicate (second_id);

-- Other ids of a member: temporary ones, and those of members merged into it.
CREATE TABLE member_alias (
  alias     TEXT PRIMARY KEY,
  member_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX member_alias_member ON member_alias (member_id);

-- What is needed to undo a merge: the records, the purchases that came along, and which rows.
CREATE TABLE merged_member (
  other_id TEXT PRIMARY KEY,
  keep_id  TEXT NOT NULL,
  body     TEXT NOT NULL              -- MergedMember in JSON
) WITHOUT ROWID;
CREATE TABLE moved_history (
  from_id  TEXT PRIMARY KEY,
  from_key INTEGER NOT NULL,          -- member_key that it had and gets back; no other member has it
  source   TEXT,                      -- what the chain's file had said last about it (member_source)
  lines    BLOB NOT NULL              -- packed lines that came along, or came later by its id
) WITHOUT ROWID;
CREATE INDEX moved_history_key ON moved_history (from_key);
CREATE TABLE moved_row (
  from_id TEXT NOT NULL,
  entity  TEXT NOT NULL,
  id      TEXT NOT NULL,
  PRIMARY KEY (from_id, entity, id)
) WITHOUT ROWID;

-- Values that lost a merge of fields, and what the hub replaced.
CREATE TABLE member_history (
  history_key INTEGER PRIMARY KEY,
  member_id   TEXT NOT NULL,
  field       TEXT NOT NULL,
  value       TEXT NOT NULL,          -- JSON
  op_id       TEXT,
  staff_id    TEXT,
  at_ms       INTEGER NOT NULL
);
CREATE INDEX member_history_member ON member_history (member_id, at_ms);

-- The audit trail: append only, each row carries the hash of the one before.
CREATE TABLE audit (
  audit_key INTEGER PRIMARY KEY,
  at_ms     INTEGER NOT NULL,
  actor     TEXT NOT NULL,            -- device:<id>, cli, hub
  staff_id  TEXT,
  action    TEXT NOT NULL,
  subject   TEXT,                     -- member, device, campaign … by id
  detail    TEXT NOT NULL,            -- JSON without names or numbers
  prev_hash BLOB NOT NULL,
  hash      BLOB NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, at_ms);
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit trail is append-only'); END;
