-- Indexes and their reasons. A first load makes them after the rows.

-- The last digits of a number.
CREATE INDEX member_by_phone ON member (phone_reversed) WHERE phone_reversed IS NOT NULL;
-- The beginning of a name.
CREATE INDEX member_by_name ON member (name);
-- Latest visitors first, for a search that fits very many.
CREATE INDEX member_by_visit ON member (last_visit_day DESC, name);
-- All that an audience reads of everybody, in the order of the figures, without the wide rows.
CREATE INDEX member_screen ON member (standing, member_key, flags, joined_day, store_id, sex, birthday_ymd, tags, diseases);
-- An erasure and a re-keying find all ids of a member.
CREATE INDEX alias_by_member ON alias (member_key);
-- Audiences look goods up in the catalogue first.
CREATE INDEX drug_by_ingredient ON drug (ingredient);
CREATE INDEX drug_by_category ON drug (category);
-- A member's readings, latest last.
CREATE INDEX reading_by_member ON reading (member_key, kind, taken_at_ms);
-- The reading that corrects another.
CREATE INDEX reading_by_superseded ON reading (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX note_by_member ON note (member_key, at_ms);
CREATE INDEX task_by_member ON task (member_key);
-- The list: what is not over, by its last day.
CREATE INDEX task_by_due ON task (due_day) WHERE state IN ('open', 'in_progress', 'deferred');
-- What was done today.
CREATE INDEX task_by_change ON task (changed_at_ms);
CREATE INDEX task_outcome_by_task ON task_outcome (task_key);
CREATE INDEX task_outcome_by_attempt ON task_outcome (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX attempt_by_member ON attempt (member_key, started_at_ms);
-- Caps of dials count by number.
CREATE INDEX attempt_by_number ON attempt (number_hash, day);
CREATE INDEX attempt_by_day ON attempt (day);
CREATE INDEX send_by_member ON send (member_key, at_ms);
CREATE INDEX outbox_by_state ON outbox (state, n);
CREATE INDEX outbox_row_by_row ON outbox_row (entity, id);
-- The pruning of what came back more than 35 days ago.
CREATE INDEX outbox_by_end ON outbox (done_at_ms) WHERE done_at_ms IS NOT NULL;
CREATE INDEX refusal_by_time ON refusal (at_ms);
