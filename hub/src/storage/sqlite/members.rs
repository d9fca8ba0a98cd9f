//! Members.

use chrono::{Datelike as _, NaiveDate};
use rusqlite::{Row, named_params};
use serde::de::DeserializeOwned;
use yaoban_domain::calendar::{day_number, from_day_number};
use yaoban_domain::codes::{Open, Sex};
use yaoban_domain::model::{Lifetime, Member};

use super::Tx;
use super::lines::lifetime;
use crate::storage::StorageError;

/// The columns of a member in the order in which [`read_member`] takes them.
pub(super) const MEMBER: &str = "SELECT member_id, store_id, name, phone, phone_invalid, sex, birthday_ymd, joined_day, \
     tags, diseases, allergies, consents, regimens, height_cm, weight_hg, paused_until_day, do_not_contact, deceased, \
     erased, ask_number, aliases, version, \
     (SELECT days FROM member_days d WHERE d.member_key = member.member_key \
        AND d.generation <= (SELECT generation FROM visible) ORDER BY d.generation DESC LIMIT 1) FROM member";

/// A date as the number 20000229.
pub(super) fn ymd(day: NaiveDate) -> i32 {
    day.year() * 10_000 + day.month() as i32 * 100 + day.day() as i32
}

fn from_ymd(ymd: i32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(ymd / 10_000, (ymd / 100 % 100) as u32, (ymd % 100) as u32)
}

/// A list as it stands at rest: `;a;b;`.
pub(super) fn wrap(items: &[String]) -> String {
    let mut text = String::from(";");
    for item in items {
        text.extend(item.chars().map(|c| if c == ';' { '；' } else { c }));
        text.push(';');
    }
    text
}

fn unwrap_list(text: &str) -> Vec<String> {
    text.split(';')
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, error.into())
    })
}

/// Reads a member from the columns of [`MEMBER`].
pub(super) fn read_member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        id: row.get(0)?,
        store_id: row.get(1)?,
        name: row.get(2)?,
        phone: row.get(3)?,
        phone_invalid: row.get(4)?,
        sex: row
            .get::<_, Option<String>>(5)?
            .map(|code| Open::<Sex>::read(&code)),
        birthday: row.get::<_, Option<i32>>(6)?.and_then(from_ymd),
        joined_on: row.get::<_, Option<i32>>(7)?.map(from_day_number),
        tags: unwrap_list(row.get_ref(8)?.as_str()?),
        diseases: unwrap_list(row.get_ref(9)?.as_str()?),
        allergies: json(row, 10)?,
        consents: json(row, 11)?,
        regimens: json(row, 12)?,
        height_cm: row.get(13)?,
        weight_hg: row.get(14)?,
        paused_until: row.get::<_, Option<i32>>(15)?.map(from_day_number),
        do_not_contact: row.get(16)?,
        deceased: row.get(17)?,
        erased: row.get(18)?,
        ask_number: row.get(19)?,
        aliases: json(row, 20)?,
        lifetime: match row.get_ref(22)?.as_blob_or_null()? {
            None => Lifetime::default(),
            Some(packed) => lifetime(packed).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(22, rusqlite::types::Type::Blob, error.into())
            })?,
        },
        version: row.get::<_, i64>(21)? as u64,
    })
}

fn to_json<T: serde::Serialize>(id: &str, value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Record {
        entity: "member",
        id: id.to_owned(),
        reason: error.to_string(),
    })
}

impl Tx<'_> {
    pub(super) fn member_row(&self, id: &str) -> Result<Option<Member>, StorageError> {
        self.one(&format!("{MEMBER} WHERE member_id = ?1"), [id], read_member)
    }

    pub(super) fn put_member_row(&self, member: &Member) -> Result<(), StorageError> {
        let id = &member.id;
        self.put(
            include_str!("sql/put_member.sql"),
            named_params! {
                ":member_id": id,
                ":store_id": member.store_id,
                ":name": member.name,
                ":phone": member.phone,
                ":phone_invalid": member.phone_invalid,
                ":sex": member.sex.as_ref().map(Open::code),
                ":birthday_ymd": member.birthday.map(ymd),
                ":joined_day": member.joined_on.map(day_number),
                ":tags": wrap(&member.tags),
                ":diseases": wrap(&member.diseases),
                ":allergies": to_json(id, &member.allergies)?,
                ":consents": to_json(id, &member.consents)?,
                ":regimens": to_json(id, &member.regimens)?,
                ":height_cm": member.height_cm,
                ":weight_hg": member.weight_hg,
                ":paused_until_day": member.paused_until.map(day_number),
                ":do_not_contact": member.do_not_contact,
                ":deceased": member.deceased,
                ":erased": member.erased,
                ":ask_number": member.ask_number,
                ":aliases": to_json(id, &member.aliases)?,
                ":version": member.version as i64,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use yaoban_domain::model::Member;

    use crate::storage::sqlite::Database;
    use crate::storage::{Records as _, StorageError};

    fn member() -> Member {
        serde_json::from_value(serde_json::json!({
            "id": "M1", "store_id": "S1", "name": "单雪", "phone": "13800001111", "sex": "female",
            "birthday": "2000-02-29", "joined_on": "2024-05-01", "diseases": ["hypertension"],
            "allergies": [{"text": "青霉素", "ingredients": ["青霉素"]}], "tags": ["a", "b"],
            "height_cm": 165, "weight_hg": 725,
            "consents": [{"purpose": "health", "channel": null, "granted": true, "at_ms": 1}],
            "regimens": [{"ingredient": "x", "daily_units_milli": 500, "stock_until": null, "changed_on": "2024-01-01"}],
            "aliases": ["tmp-1"], "version": 7
        }))
        .unwrap()
    }

    #[test]
    fn a_member_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "chain", None).unwrap();
        let mut member = member();
        for _ in 0..2 {
            database.write(|tx| tx.put_member(&member)).unwrap();
            let read = database.read(|tx| tx.member("M1")).unwrap();
            assert_eq!(read.as_ref(), Some(&member));
            member.tags.clear();
            member.birthday = NaiveDate::from_ymd_opt(1969, 1, 2);
            member.paused_until = member.birthday;
        }
        assert_eq!(
            database.read::<_, StorageError>(|tx| tx.member("M2")).unwrap(),
            None
        );
    }

    #[test]
    fn a_reading_needs_its_member() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::create(dir.path(), "chain", None).unwrap();
        let reading = serde_json::from_value(serde_json::json!({
            "id": "R1", "member_id": "M1", "taken_at_ms": 5, "kind": "bp", "systolic": 120, "diastolic": 80,
            "glucose_tenths": null, "context": "office"
        }))
        .unwrap();
        let day = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        assert!(matches!(
            database.write(|tx| tx.put_reading(&reading, day)),
            Err(StorageError::Record {
                entity: "reading",
                ..
            })
        ));
        database.write(|tx| tx.put_member(&member())).unwrap();
        database.write(|tx| tx.put_reading(&reading, day)).unwrap();
        assert_eq!(database.read(|tx| tx.readings_of("M1")).unwrap(), [reading]);
    }

    #[test]
    fn a_missing_a_second_and_a_newer_database_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Database::open(dir.path()),
            Err(StorageError::Missing(_))
        ));
        let database = Database::create(dir.path(), "chain", None).unwrap();
        assert!(matches!(
            Database::create(dir.path(), "chain", None),
            Err(StorageError::Exists(_))
        ));
        drop(database);
        let path = dir.path().join("hub.db");
        rusqlite::Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 999)
            .unwrap();
        assert!(matches!(
            Database::open(dir.path()),
            Err(StorageError::Newer { found: 999, .. })
        ));
        std::fs::write(&path, "not a database at all, not even close to one, really not").unwrap();
        assert!(matches!(
            Database::open(dir.path()),
            Err(StorageError::Damaged { .. })
        ));
    }
}
