-- The chain's records. Dates are day numbers (days since 1970-01-01), instants milliseconds UTC,
-- money fen, quantities thousandths of a pack, codes their stable words.

-- Settings of this hub: chain_name, url, epoch, dedup_seed, rules (JSON), model (JSON) …
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE store (
    store_key INTEGER PRIMARY KEY,
    store_id  TEXT NOT NULL UNIQUE,
    name      TEXT NOT NULL,
    region    TEXT
);

CREATE TABLE staff (
    staff_id   TEXT PRIMARY KEY,
    store_id   TEXT,
    region     TEXT,
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    pharmacist INTEGER NOT NULL,
    active     INTEGER NOT NULL,
    off_day    INTEGER
) WITHOUT ROWID;
CREATE INDEX staff_by_store ON staff (store_id);

-- What someone's rights were until an instant at which the hub heard of a change: operations that
-- were made before are judged by them.
CREATE TABLE staff_history (
    staff_id TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    body     TEXT NOT NULL, -- Staff in JSON
    PRIMARY KEY (staff_id, until_ms)
) WITHOUT ROWID;
CREATE INDEX staff_history_age ON staff_history (until_ms);

CREATE TABLE drug (
    drug_key             INTEGER PRIMARY KEY,
    drug_id              TEXT NOT NULL UNIQUE,
    name                 TEXT NOT NULL,
    ingredient           TEXT,
    category             TEXT,
    manufacturer         TEXT,
    spec                 TEXT,
    units_per_pack_milli INTEGER,
    daily_units_milli    INTEGER,
    prescription         INTEGER NOT NULL,
    chronic              INTEGER NOT NULL
);
CREATE INDEX drug_by_ingredient ON drug (ingredient);
CREATE INDEX drug_by_category ON drug (category);

CREATE TABLE stock (
    store_id    TEXT NOT NULL,
    drug_id     TEXT NOT NULL,
    units_milli INTEGER NOT NULL,
    PRIMARY KEY (store_id, drug_id)
) WITHOUT ROWID;

-- `tags` and `diseases` are wrapped in ';' (';a;b;', none: ';') so that one is found by its
-- neighbours; allergies, consents, regimens and aliases are JSON. Life-time figures come from
-- `member_days`, so that they switch with the other figures.
CREATE TABLE member (
    member_key         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: packed rows hold it
    member_id          TEXT NOT NULL UNIQUE,
    store_id           TEXT,
    name               TEXT NOT NULL,
    phone              TEXT,
    phone_invalid      INTEGER NOT NULL,
    sex                TEXT,
    birthday_ymd       INTEGER,
    joined_day         INTEGER,
    tags               TEXT NOT NULL,
    diseases           TEXT NOT NULL,
    allergies          TEXT NOT NULL,
    consents           TEXT NOT NULL,
    regimens           TEXT NOT NULL,
    height_cm          INTEGER,
    weight_hg          INTEGER,
    paused_until_day   INTEGER,
    do_not_contact     INTEGER NOT NULL,
    deceased           INTEGER NOT NULL,
    erased             INTEGER NOT NULL,
    ask_number         INTEGER NOT NULL,
    aliases            TEXT NOT NULL,
    version            INTEGER NOT NULL
);
CREATE INDEX member_by_store ON member (store_id, member_key);
-- All that screening and the health need read of a member, without the wide rows: both ask for everybody.
CREATE INDEX member_screen ON member (member_key, erased, joined_day, store_id, sex, birthday_ymd, tags, diseases,
    height_cm, weight_hg);
-- Few members told what they take.
CREATE INDEX member_with_regimens ON member (member_key) WHERE regimens <> '[]';
CREATE INDEX member_by_phone ON member (phone) WHERE phone IS NOT NULL;

-- A correction supersedes; both rows stay.
CREATE TABLE reading (
    reading_id     TEXT PRIMARY KEY,
    member_key     INTEGER NOT NULL,
    taken_at_ms    INTEGER NOT NULL,
    day            INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    context        TEXT NOT NULL,
    systolic       INTEGER,
    diastolic      INTEGER,
    glucose_tenths INTEGER,
    staff_id       TEXT,
    supersedes     TEXT
) WITHOUT ROWID;
CREATE INDEX reading_by_member ON reading (member_key, taken_at_ms);
-- All that classes read of the readings of a period, in the order in which they were taken.
CREATE INDEX reading_by_day ON reading (day, taken_at_ms, reading_id, member_key, kind, context, systolic, diastolic,
    glucose_tenths);
CREATE INDEX reading_superseded ON reading (supersedes) WHERE supersedes IS NOT NULL;
