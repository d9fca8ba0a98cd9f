//! What the clerk did and what was promised, and how often each is at the hub.

use rusqlite::Connection;

/// One thing done at the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A note with a text of its own.
    Note {
        /// The text.
        text: String,
    },
    /// A reading; nobody else gets this pair of values for this member.
    Reading {
        /// Whose.
        member_id: String,
        /// Upper value.
        systolic: u64,
        /// Lower value.
        diastolic: u64,
    },
    /// Somebody new with a name of its own.
    Register {
        /// The name.
        name: String,
    },
    /// A task of one's own with a note of its own.
    Task {
        /// The note.
        note: String,
    },
    /// The call for a task.
    Dial {
        /// The task.
        task_id: String,
    },
    /// What came of the call.
    Outcome {
        /// The task.
        task_id: String,
    },
}

impl Deed {
    /// How often it is in the hub's database.
    pub fn count(&self, hub: &Connection) -> rusqlite::Result<u64> {
        let one = |sql: &str, value: &str| hub.query_row(sql, [value], |row| row.get(0));
        match self {
            Self::Note { text } => one(
                "SELECT count(*) FROM note WHERE json_extract(body, '$.text') = ?1",
                text,
            ),
            Self::Reading {
                member_id,
                systolic,
                diastolic,
            } => hub.query_row(
                "SELECT count(*) FROM reading JOIN member USING (member_key) \
                 WHERE member_id = ?1 AND systolic = ?2 AND diastolic = ?3",
                (member_id, systolic, diastolic),
                |row| row.get(0),
            ),
            Self::Register { name } => one("SELECT count(*) FROM member WHERE name = ?1", name),
            Self::Task { note } => one("SELECT count(*) FROM task WHERE instr(body, ?1) > 0", note),
            Self::Dial { task_id } => one("SELECT count(*) FROM attempt WHERE task_id = ?1", task_id),
            Self::Outcome { task_id } => one("SELECT count(*) FROM task_outcome WHERE task_id = ?1", task_id),
        }
    }
}

/// Everything that was tried, and whether exit code 0 promised it.
#[derive(Debug, Default)]
pub struct Ledger(Vec<(Deed, bool)>);

/// What the hub has of a ledger.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Promised and not there.
    pub lost: Vec<String>,
    /// There more than once.
    pub doubled: Vec<String>,
    /// Not promised, and there all the same: the process died between the commit and its end.
    pub there_unpromised: usize,
}

impl Ledger {
    /// Something was tried.
    pub fn write(&mut self, deed: Deed, promised: bool) {
        self.0.push((deed, promised));
    }

    /// How many were promised.
    pub fn promised(&self) -> usize {
        self.0.iter().filter(|(_, promised)| *promised).count()
    }

    /// How many were tried.
    pub fn tried(&self) -> usize {
        self.0.len()
    }

    /// Looks for each at the hub: what was promised has to be there once, the rest at most once.
    pub fn judge(&self, hub: &Connection) -> rusqlite::Result<Judged> {
        let mut judged = Judged::default();
        for (deed, promised) in &self.0 {
            match (deed.count(hub)?, promised) {
                (0, true) => judged.lost.push(format!("{deed:?}")),
                (0, false) | (1, true) => {}
                (1, false) => judged.there_unpromised += 1,
                (many, _) => judged.doubled.push(format!("{many} times {deed:?}")),
            }
        }
        Ok(judged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_is_there_twice_is_told() {
        let hub = Connection::open_in_memory().unwrap();
        hub.execute_batch(
            "CREATE TABLE note (note_id TEXT, body TEXT);
             INSERT INTO note VALUES ('1', '{\"text\":\"once\"}'), ('2', '{\"text\":\"twice\"}'),
               ('3', '{\"text\":\"twice\"}'), ('4', '{\"text\":\"unpromised\"}');",
        )
        .unwrap();
        let mut ledger = Ledger::default();
        for (text, promised) in [
            ("once", true),
            ("twice", false),
            ("unpromised", false),
            ("missing", true),
            ("never", false),
        ] {
            ledger.write(Deed::Note { text: text.into() }, promised);
        }
        let judged = ledger.judge(&hub).unwrap();
        assert_eq!(judged.there_unpromised, 1);
        assert_eq!(judged.lost.len(), 1);
        assert!(judged.lost[0].contains("missing"), "{judged:?}");
        assert_eq!(judged.doubled.len(), 1);
        assert!(judged.doubled[0].contains("twice"), "{judged:?}");
    }
}
