-- What members bought. Written by the import only, in generations: one generation a file. Rows of a
-- generation above `visible` belong to a file that is not complete, and nobody reads them; when a
-- file is complete, `visible` moves up, and with it all figures at once.

CREATE TABLE visible (generation INTEGER NOT NULL);
INSERT INTO visible VALUES (0);

-- Net fen by business date, packed (storage::packed::days). The row that counts is the one with the
-- highest visible generation; older ones are removed after the switch.
CREATE TABLE member_days (
    member_key INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    days       BLOB NOT NULL,
    PRIMARY KEY (member_key, generation)
) WITHOUT ROWID;

-- All lines, packed (storage::packed::lines), in the same generations.
CREATE TABLE member_lines (
    member_key INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    lines      BLOB NOT NULL,
    PRIMARY KEY (member_key, generation)
) WITHOUT ROWID;

-- The same lines by drug, for audiences: all lines of a drug in a block of days, packed
-- (storage::packed::sales). Every visible generation counts. Lines without a drug are not in here.
CREATE TABLE drug_sales (
    drug_key   INTEGER NOT NULL,
    block      INTEGER NOT NULL,  -- storage::sqlite::sales::block_of
    generation INTEGER NOT NULL,
    sales      BLOB NOT NULL,
    PRIMARY KEY (drug_key, block, generation)
) WITHOUT ROWID;

-- Members whose purchases went over to another one, or back, while a file was being folded. The switch
-- looks them over (storage::sqlite::merge_lines) and empties this.
CREATE TABLE moved_key (
    member_key INTEGER PRIMARY KEY
);

-- Which line ids are taken, and by what content: 16-byte entries (import::purchases::entry), sorted,
-- in 4096 buckets by the first bits of the entry; a few rows a bucket, merged from time to time.
CREATE TABLE line_entry (
    bucket     INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    entries    BLOB NOT NULL,
    PRIMARY KEY (bucket, generation)
) WITHOUT ROWID;

CREATE VIEW v_reading AS
SELECT r.reading_id AS reading_id, r.member_key AS member_key, r.day AS day, r.taken_at_ms AS taken_at_ms, r.kind AS kind, r.context AS context,
    r.systolic AS systolic, r.diastolic AS diastolic, r.glucose_tenths AS glucose_tenths
FROM reading r
WHERE NOT EXISTS (SELECT 1 FROM reading s WHERE s.supersedes = r.reading_id);

-- What the chain's file said last about a member, as JSON: the base on which a later file's changes
-- are told from a clerk's.
CREATE TABLE member_source (
    member_key INTEGER PRIMARY KEY,
    body       TEXT NOT NULL
);

-- One row a file of purchases that was taken in, newest last. `state`: collecting, folding,
-- finishing, done.
CREATE TABLE import_run (
    generation INTEGER PRIMARY KEY,
    file_name  TEXT NOT NULL,
    digest     TEXT NOT NULL,
    state      TEXT NOT NULL,
    accepted   INTEGER NOT NULL,
    unchanged  INTEGER NOT NULL,
    skipped    INTEGER NOT NULL,
    rejected   INTEGER NOT NULL
);
