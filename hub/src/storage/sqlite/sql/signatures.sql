-- What members signed their consents with: evidence for the chain. It goes to no phone, and with an
-- erasure. Under the id by which the member was kept then; merges leave it.
CREATE TABLE signed_consents (
  op_id     TEXT PRIMARY KEY,
  member_id TEXT NOT NULL,
  body      TEXT NOT NULL          -- SignedConsents in JSON
) WITHOUT ROWID;
CREATE INDEX signed_consents_member ON signed_consents (member_id);
