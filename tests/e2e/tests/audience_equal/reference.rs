//! The plainest schema that meets the requirements in the docs of `yaoban_domain::audience::sql`.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use yaoban_domain::audience::sql::{CompiledSql, SqlValue};
use yaoban_domain::calendar::day_number;
use yaoban_domain::codes::{Code, MedicineStatus, Open};
use yaoban_domain::medicine::status;
use yaoban_domain::rules::Rules;

use crate::world::{DRUGS, World};

const SCHEMA: &str = "
CREATE TABLE member (member_key INTEGER PRIMARY KEY, store_id TEXT, sex TEXT, birthday_ymd INTEGER, joined_day INTEGER,
    tags TEXT NOT NULL, diseases TEXT NOT NULL, erased INTEGER NOT NULL);
CREATE TABLE figure (member_key INTEGER PRIMARY KEY, care TEXT, class TEXT, recency INTEGER, frequency INTEGER,
    monetary_fen INTEGER, basket_fen INTEGER, value_index INTEGER, brand_loyal INTEGER, price_leaning TEXT,
    regular INTEGER, testing TEXT, severity TEXT, next_end_day INTEGER);
CREATE TABLE drug (drug_key INTEGER PRIMARY KEY, drug_id TEXT NOT NULL UNIQUE, ingredient TEXT, category TEXT);
CREATE TABLE line (member_key INTEGER NOT NULL, day INTEGER NOT NULL, drug_key INTEGER, quantity_milli INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL);
CREATE INDEX line_by_drug ON line (drug_key, day, member_key, quantity_milli, amount_fen);
CREATE TABLE reading (member_key INTEGER NOT NULL, day INTEGER NOT NULL, taken_at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    context TEXT NOT NULL, systolic INTEGER, diastolic INTEGER, glucose_tenths INTEGER, superseded INTEGER NOT NULL);
CREATE TABLE contact (member_key INTEGER NOT NULL, day INTEGER NOT NULL, at_ms INTEGER NOT NULL, channel TEXT NOT NULL,
    outcome TEXT, reached INTEGER NOT NULL);
CREATE TABLE medicine (member_key INTEGER NOT NULL, ingredient TEXT NOT NULL, end_day INTEGER,
    PRIMARY KEY (member_key, ingredient));
CREATE VIEW v_member AS SELECT m.member_key, m.store_id, m.sex, m.birthday_ymd, m.joined_day, m.tags, m.diseases, f.care,
    f.class, f.recency, f.frequency, f.monetary_fen, f.basket_fen, f.value_index, f.brand_loyal, f.price_leaning,
    f.regular, f.testing, f.severity, f.next_end_day
    FROM member m LEFT JOIN figure f ON f.member_key = m.member_key WHERE m.erased = 0;
CREATE VIEW v_line AS SELECT l.member_key, l.day, d.drug_id, d.ingredient, d.category, l.quantity_milli, l.amount_fen
    FROM line l JOIN drug d ON d.drug_key = l.drug_key;
CREATE VIEW v_reading AS SELECT member_key, day, taken_at_ms, kind, context, systolic, diastolic, glucose_tenths
    FROM reading WHERE superseded = 0;
CREATE VIEW v_contact AS SELECT member_key, day, at_ms, channel, outcome FROM contact WHERE reached = 1;
";

/// A database in memory with the members of a world; a member's key is its position.
pub struct Reference(Connection);

impl Reference {
    pub fn load(world: &World, rules: &Rules) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let tx = connection.transaction().unwrap();
        for (key, drug) in DRUGS.iter().enumerate() {
            let row = params![key as i64, drug.id, drug.ingredient, drug.category];
            tx.execute("INSERT INTO drug VALUES (?1, ?2, ?3, ?4)", row)
                .unwrap();
        }
        for index in 0..world.members.len() {
            insert(&tx, world, index, rules);
        }
        tx.commit().unwrap();
        Self(connection)
    }

    /// The members that a statement selects.
    pub fn select(&self, compiled: &CompiledSql) -> BTreeSet<usize> {
        let mut statement = self.0.prepare(&compiled.sql).unwrap();
        let rows = statement
            .query_map(params_from_iter(values(compiled)), |row| row.get::<_, i64>(0))
            .unwrap();
        let keys: Vec<usize> = rows.map(|key| key.unwrap() as usize).collect();
        let distinct: BTreeSet<usize> = keys.iter().copied().collect();
        assert_eq!(
            distinct.len(),
            keys.len(),
            "a member was selected twice by {}",
            compiled.sql
        );
        distinct
    }
}

/// The parameters of a statement.
pub fn values(compiled: &CompiledSql) -> Vec<Value> {
    let value = |value: &SqlValue| match value {
        SqlValue::Integer(number) => Value::Integer(*number),
        SqlValue::Text(text) => Value::Text(text.clone()),
    };
    compiled.params.iter().map(value).collect()
}

fn insert(db: &Connection, world: &World, index: usize, rules: &Rules) {
    let (key, drawn) = (index as i64, &world.members[index]);
    let facts = &drawn.facts;
    db.execute(
        "INSERT INTO member VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            key,
            facts.store_id,
            facts.sex.as_ref().map(Open::code),
            facts.birthday.map(ymd),
            facts.joined_on.map(day_number),
            wrapped(&facts.tags),
            wrapped(&facts.diseases),
            drawn.erased,
        ],
    )
    .unwrap();
    let next_end = facts
        .medicines
        .iter()
        .filter_map(|medicine| medicine.end)
        .filter(|end| status(*end, world.as_of, &rules.medicine) != MedicineStatus::Lapsed)
        .min();
    if !drawn.without_figures() || next_end.is_some() {
        db.execute(
            "INSERT INTO figure VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                key,
                facts.care.map(Code::code),
                facts.class.map(Code::code),
                facts.recency,
                facts.frequency,
                facts.monetary_fen,
                facts.basket_fen,
                facts.value_index,
                facts.brand_loyal,
                facts.price.map(Code::code),
                facts.regular,
                facts.testing.map(Code::code),
                facts.severity.map(Code::code),
                next_end.map(day_number),
            ],
        )
        .unwrap();
    }
    for line in &facts.lines {
        let drug = DRUGS
            .iter()
            .position(|drug| Some(drug.id) == line.drug_id.as_deref())
            .map(|key| key as i64);
        let row = params![
            key,
            day_number(line.day),
            drug,
            line.quantity_milli,
            line.amount_fen
        ];
        db.execute("INSERT INTO line VALUES (?1, ?2, ?3, ?4, ?5)", row)
            .unwrap();
    }
    for (readings, superseded) in [(&facts.readings, 0), (&drawn.superseded_readings, 1)] {
        for reading in readings {
            let row = params![
                key,
                day_number(reading.day),
                reading.taken_at_ms,
                reading.kind.code(),
                reading.context.code(),
                reading.systolic,
                reading.diastolic,
                reading.glucose_tenths,
                superseded,
            ];
            db.execute(
                "INSERT INTO reading VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                row,
            )
            .unwrap();
        }
    }
    for (contacts, reached) in [(&facts.contacts, 1), (&drawn.unanswered_contacts, 0)] {
        for contact in contacts {
            let outcome = contact.outcome.as_ref().map(Open::code);
            let row = params![
                key,
                day_number(contact.day),
                contact.at_ms,
                contact.channel.code(),
                outcome,
                reached
            ];
            db.execute("INSERT INTO contact VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)
                .unwrap();
        }
    }
    for medicine in &facts.medicines {
        let row = params![key, medicine.ingredient, medicine.end.map(day_number)];
        db.execute("INSERT INTO medicine VALUES (?1, ?2, ?3)", row)
            .unwrap();
    }
}

fn ymd(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

fn wrapped(words: &[String]) -> String {
    words.iter().fold(";".to_owned(), |list, word| list + word + ";")
}
