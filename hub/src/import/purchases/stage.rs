//! `DIR/import.db`: what a file of purchases has given so far, before any of it is visible.
//!
//! Parts of the file are sorted and written here one by one, each in one transaction together with
//! the journal row that says how far the file got, so a run that stopped goes on where it stood. The
//! serving database is not written at all until the file has been read to its end.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::import::ImportError;

const FILE_NAME: &str = "import.db";
/// How long a write waits for somebody who looks into the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
-- How far the file got. One row.
CREATE TABLE journal (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    file_name      TEXT NOT NULL,
    digest         TEXT NOT NULL,    -- of the file
    known          TEXT NOT NULL,    -- stamp of the ids that its rows were checked against
    generation     INTEGER NOT NULL,
    bytes          INTEGER NOT NULL, -- of the file, behind us
    lines          INTEGER NOT NULL,
    parts          INTEGER NOT NULL,
    accepted       INTEGER NOT NULL,
    unchanged      INTEGER NOT NULL,
    skipped        INTEGER NOT NULL,
    rejected       INTEGER NOT NULL,
    rejects_bytes  INTEGER NOT NULL, -- of the reject file
    checksum       INTEGER NOT NULL, -- of everything below
    complete       INTEGER NOT NULL
);
-- Entries of accepted lines (import::purchases::entry).
CREATE TABLE entry (
    part    INTEGER NOT NULL,
    bucket  INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (part, bucket)
) WITHOUT ROWID;
-- Accepted lines, each part sorted twice: kind 1 by member, kind 2 by drug, day and member.
CREATE TABLE sorted (
    kind INTEGER NOT NULL,
    part INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (kind, part, seq)
) WITHOUT ROWID;
";

/// See the table `journal`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Journal {
    pub file_name: String,
    pub digest: String,
    pub known: String,
    pub generation: i64,
    pub bytes: u64,
    pub lines: u64,
    pub parts: u32,
    pub accepted: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub rejected: u64,
    pub rejects_bytes: u64,
    pub checksum: u64,
    pub complete: bool,
}

/// Lines sorted by member.
pub(super) const BY_MEMBER: u8 = 1;
/// Lines sorted by drug, day and member.
pub(super) const BY_DRUG: u8 = 2;

/// What one part adds.
pub(super) struct StagedPart {
    /// (bucket, entries).
    pub entries: Vec<(u32, Vec<u8>)>,
    pub by_member: Vec<Vec<u8>>,
    pub by_drug: Vec<Vec<u8>>,
}

/// The open file.
pub(super) struct Stage {
    connection: Connection,
}

impl Stage {
    /// Whether there is one in a data directory.
    pub fn exists(dir: &Path) -> bool {
        dir.join(FILE_NAME).exists()
    }

    /// Opens what an earlier run left in a data directory; none if there is none, or if it is not whole:
    /// it holds nothing that the chain's file does not hold too, so one that is damaged is made anew.
    pub fn open(dir: &Path) -> Result<Option<(Self, Journal)>, ImportError> {
        let Some((stage, journal)) = Self::reopen(dir)? else {
            return Ok(None);
        };
        match stage.checksum(journal.parts) {
            Ok(checksum) if checksum == journal.checksum => Ok(Some((stage, journal))),
            Ok(_) => Ok(None),
            Err(error) if is_unusable(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the one that this process made or opened before.
    pub fn reopen(dir: &Path) -> Result<Option<(Self, Journal)>, ImportError> {
        if !Self::exists(dir) {
            return Ok(None);
        }
        let path = dir.join(FILE_NAME);
        let opened = Connection::open(&path).and_then(|connection| {
            let stage = Self { connection };
            stage.configure()?;
            let journal = stage.journal()?;
            Ok(journal.map(|journal| (stage, journal)))
        });
        match opened {
            Ok(found) => Ok(found),
            Err(error) if is_unusable(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a new one, in memory for a dry run.
    pub fn create(dir: Option<&Path>, journal: &Journal) -> Result<Self, ImportError> {
        let connection = if let Some(dir) = dir {
            Self::remove(dir)?;
            Connection::open(dir.join(FILE_NAME))?
        } else {
            Connection::open_in_memory()?
        };
        let mut stage = Self { connection };
        stage.configure()?;
        let transaction = stage.connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        put_journal(&transaction, journal)?;
        transaction.commit()?;
        Ok(stage)
    }

    /// Removes the one of a data directory.
    pub fn remove(dir: &Path) -> Result<(), ImportError> {
        for suffix in ["", "-journal"] {
            let path = dir.join(format!("{FILE_NAME}{suffix}"));
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ImportError::File {
                        action: "remove",
                        path,
                        source: error,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn configure(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "page_size", 65_536)?;
        // What is added is written once: a rollback journal holds only the pages that are changed.
        self.connection.pragma_update(None, "journal_mode", "truncate")?;
        // Nothing waits for the disk. A killed process loses nothing by that; after a power cut the
        // checksum tells whether all has arrived, and the file is read again if not.
        self.connection.pragma_update(None, "synchronous", "off")?;
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        self.connection.pragma_update(None, "cache_size", -16_384)
    }

    /// How far the file got.
    fn journal(&self) -> rusqlite::Result<Option<Journal>> {
        self.connection
            .query_row(
                "SELECT file_name, digest, known, generation, bytes, lines, parts, accepted, unchanged, skipped,
                    rejected, rejects_bytes, checksum, complete FROM journal",
                [],
                |row| {
                    Ok(Journal {
                        file_name: row.get(0)?,
                        digest: row.get(1)?,
                        known: row.get(2)?,
                        generation: row.get(3)?,
                        bytes: row.get::<_, i64>(4)? as u64,
                        lines: row.get::<_, i64>(5)? as u64,
                        parts: row.get(6)?,
                        accepted: row.get::<_, i64>(7)? as u64,
                        unchanged: row.get::<_, i64>(8)? as u64,
                        skipped: row.get::<_, i64>(9)? as u64,
                        rejected: row.get::<_, i64>(10)? as u64,
                        rejects_bytes: row.get::<_, i64>(11)? as u64,
                        checksum: row.get::<_, i64>(12)? as u64,
                        complete: row.get(13)?,
                    })
                },
            )
            .optional()
    }

    /// Adds a part and moves the journal on, in one transaction.
    pub fn add(&mut self, part: &StagedPart, journal: &mut Journal) -> Result<(), ImportError> {
        let number = journal.parts;
        let entries = part.entries.iter().map(|row| &row.1);
        for data in entries.chain(&part.by_member).chain(&part.by_drug) {
            journal.checksum = xxh3_64_with_seed(data, journal.checksum);
        }
        let transaction = self.connection.transaction()?;
        {
            let mut entry = transaction.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3)")?;
            for (bucket, entries) in &part.entries {
                entry.execute(params![number, bucket, entries])?;
            }
            let mut sorted = transaction.prepare_cached("INSERT INTO sorted VALUES (?1, ?2, ?3, ?4)")?;
            for (kind, blobs) in [(BY_MEMBER, &part.by_member), (BY_DRUG, &part.by_drug)] {
                for (seq, data) in blobs.iter().enumerate() {
                    sorted.execute(params![kind, number, seq as i64, data])?;
                }
            }
        }
        put_journal(&transaction, journal)?;
        transaction.commit()?;
        Ok(())
    }

    /// The checksum of everything that was added.
    fn checksum(&self, parts: u32) -> rusqlite::Result<u64> {
        let mut entries = self
            .connection
            .prepare("SELECT entries FROM entry WHERE part = ?1 ORDER BY bucket")?;
        let mut sorted = self
            .connection
            .prepare("SELECT data FROM sorted WHERE kind = ?2 AND part = ?1 ORDER BY seq")?;
        let mut checksum = 0;
        let mut add = |mut rows: rusqlite::Rows<'_>| -> rusqlite::Result<()> {
            while let Some(row) = rows.next()? {
                checksum = xxh3_64_with_seed(row.get_ref(0)?.as_blob()?, checksum);
            }
            Ok(())
        };
        for part in 1..=parts {
            add(entries.query([part])?)?;
            for kind in [BY_MEMBER, BY_DRUG] {
                add(sorted.query(params![part, kind])?)?;
            }
        }
        Ok(checksum)
    }

    /// Adds the rows of entries of one bucket of these parts.
    pub fn entries_of(&self, bucket: u32, parts: u32, into: &mut Vec<Vec<u8>>) -> Result<(), ImportError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT entries FROM entry WHERE part = ?1 AND bucket = ?2")?;
        for part in 1..=parts {
            into.extend(statement.query_row([part, bucket], |row| row.get(0)).optional()?);
        }
        Ok(())
    }

    /// Hands on the rows of entries, bucket by bucket, ascending; a bucket without rows is passed
    /// over. The parts lie one behind the other and each is read once, from its beginning to its end.
    pub fn each_bucket<E: From<ImportError>>(
        &self,
        parts: u32,
        mut take: impl FnMut(u32, &mut Vec<Vec<u8>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: rusqlite::Error| E::from(ImportError::from(error));
        let prepare = |_| {
            self.connection
                .prepare("SELECT bucket, entries FROM entry WHERE part = ?1 ORDER BY bucket")
        };
        let mut statements = (0..parts)
            .map(prepare)
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        let mut streams = Vec::with_capacity(statements.len());
        for (statement, part) in statements.iter_mut().zip(1..) {
            let mut rows = statement.query([part]).map_err(failed)?;
            let head = entry_row(&mut rows).map_err(failed)?;
            streams.push((rows, head));
        }
        let mut known = Vec::new();
        while let Some(bucket) = streams
            .iter()
            .filter_map(|(_, head)| Some(head.as_ref()?.0))
            .min()
        {
            known.clear();
            for (rows, head) in &mut streams {
                if head.as_ref().is_some_and(|head| head.0 == bucket) {
                    let next = entry_row(rows).map_err(failed)?;
                    known.extend(std::mem::replace(head, next).map(|(_, entries)| entries));
                }
            }
            take(bucket, &mut known)?;
        }
        Ok(())
    }

    /// A piece of a sorted part; none after the last one.
    pub fn sorted(&self, kind: u8, part: u32, seq: u32) -> Result<Option<Vec<u8>>, ImportError> {
        Ok(self
            .connection
            .prepare_cached("SELECT data FROM sorted WHERE kind = ?1 AND part = ?2 AND seq = ?3")?
            .query_row(params![kind, part, seq], |row| row.get(0))
            .optional()?)
    }
}

fn entry_row(rows: &mut rusqlite::Rows<'_>) -> rusqlite::Result<Option<(u32, Vec<u8>)>> {
    rows.next()?.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

fn put_journal(connection: &Connection, journal: &Journal) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO journal VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")?
        .execute(params![
            journal.file_name,
            journal.digest,
            journal.known,
            journal.generation,
            journal.bytes as i64,
            journal.lines as i64,
            journal.parts,
            journal.accepted as i64,
            journal.unchanged as i64,
            journal.skipped as i64,
            journal.rejected as i64,
            journal.rejects_bytes as i64,
            journal.checksum as i64,
            journal.complete,
        ])?;
    Ok(())
}

fn is_unusable(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase | Unknown)
    ) || matches!(error, rusqlite::Error::InvalidColumnType(..))
}
