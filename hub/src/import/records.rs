//! Stores, staff, drugs, members, readings and stock: row by row, each row a record.
//!
//! A row is visible once its transaction is committed, and the same row again changes nothing, so a
//! run that stopped is finished by running it again.

use std::hash::{Hash, Hasher as _};
use std::path::PathBuf;
use std::time::Instant;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use super::header::{Column, Header};
use super::ids::ID_BYTES_MAX;
use super::rejects::Rejects;
use super::source::Source;
use super::table::{FIELD_BYTES_MAX, Item, Record, Rows};
use super::{Context, FileKind, FileReport, ImportError, Progress, WRITE_BUDGET};
use crate::storage::StorageError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::scope::Changes;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// New, or changed something.
    Accepted,
    /// It was there already.
    Unchanged,
}

/// Why a row was not taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// For the reject file.
    Row(String),
    /// The import stops.
    Storage(StorageError),
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Row(reason)
    }
}

/// How one kind of record is read and taken in.
pub(crate) trait Kind {
    /// A row, read.
    type Row: Hash;
    /// Which kind.
    const KIND: FileKind;
    /// Reads a row.
    fn read(&self, cells: &Cells<'_>, context: &Context<'_>) -> Result<Self::Row, String>;
    /// What tells rows of one file apart.
    fn id(row: &Self::Row) -> String;
    /// Takes a row in; writes nothing if `write` is false.
    fn take(
        &self,
        row: Self::Row,
        tx: &Tx<'_>,
        context: &mut Context<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused>;
}

/// The cells of a row, by the numbers of the kind's columns.
pub(crate) struct Cells<'a> {
    header: &'a Header,
    record: &'a Record<'a>,
    columns: &'static [Column],
}

impl<'a> Cells<'a> {
    /// Whether the file has a column.
    pub fn has(&self, column: usize) -> bool {
        self.header.has(column)
    }

    /// A cell as bytes, trimmed.
    pub fn bytes(&self, column: usize) -> &'a [u8] {
        self.header.cell(self.record, column)
    }

    /// A cell as text.
    pub fn text(&self, column: usize) -> Result<&'a str, String> {
        let bytes = self.bytes(column);
        if bytes.len() > FIELD_BYTES_MAX {
            return Err(self.refuse(column, "is longer than 4096 bytes"));
        }
        std::str::from_utf8(bytes).map_err(|_| self.refuse(column, "is no text"))
    }

    /// A cell as text, none if it is blank.
    pub fn optional(&self, column: usize) -> Result<Option<String>, String> {
        Ok(Some(self.text(column)?)
            .filter(|text| !text.is_empty())
            .map(str::to_owned))
    }

    /// An id that must be there.
    pub fn id(&self, column: usize) -> Result<String, String> {
        self.optional_id(column)?
            .ok_or_else(|| self.refuse(column, "is blank"))
    }

    /// An id that may be left out.
    pub fn optional_id(&self, column: usize) -> Result<Option<String>, String> {
        let id = self.optional(column)?;
        match &id {
            Some(id) if id.len() > ID_BYTES_MAX => Err(self.refuse(column, "is longer than 64 bytes")),
            Some(id) if id.contains(char::is_control) => Err(self.refuse(column, "holds control characters")),
            _ => Ok(id),
        }
    }

    /// A value read by a function, none if the cell is blank.
    pub fn value<T>(
        &self,
        column: usize,
        read: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<Option<T>, String> {
        let bytes = self.bytes(column);
        if bytes.is_empty() {
            Ok(None)
        } else {
            read(bytes).map(Some).map_err(|why| self.refuse(column, why))
        }
    }

    /// The items of a list, split by `;` (also the full-width one).
    pub fn list(&self, column: usize) -> Result<Vec<String>, String> {
        let text = self.text(column)?;
        let items = text
            .split([';', '；'])
            .map(str::trim)
            .filter(|item| !item.is_empty());
        Ok(items.map(str::to_owned).collect())
    }

    /// A reason that names its column.
    pub fn refuse(&self, column: usize, why: &str) -> String {
        format!(
            "`{}` {why}",
            self.columns.get(column).map_or("", |column| column.name)
        )
    }
}

/// Ids seen in one file, with the digest of their row and its line.
type Seen = FxHashMap<String, (u64, u64)>;

struct Run<'a, 'c, K> {
    kind: K,
    context: &'a mut Context<'c>,
    source: &'a Source,
    header: Header,
    rejects: Rejects,
    seen: Seen,
    report: FileReport,
}

/// Takes a file of one kind in.
pub(crate) fn take_in<K: Kind>(
    kind: K,
    context: &mut Context<'_>,
    source: &Source,
    rejects: PathBuf,
) -> Result<FileReport, ImportError> {
    let mut rows = Rows::new(source.reader()?);
    let header = Header::read(&mut rows, K::KIND.columns(), source.path())?;
    let write = !context.options.dry_run;
    let rejects = if write {
        Rejects::create(rejects, &header.titles)?
    } else {
        Rejects::counting()
    };
    let mut progress = Progress::new(&source.name(), source.bytes, context.options.progress);
    let report = FileReport {
        kind: K::KIND,
        file: source.name(),
        accepted: 0,
        unchanged: 0,
        skipped: 0,
        rejected: 0,
        rejects: rejects.path().map(std::path::Path::to_owned),
        write_ms_max: 0,
    };
    let mut run = Run {
        kind,
        context,
        source,
        header,
        rejects,
        seen: Seen::default(),
        report,
    };
    let database = run.context.database;
    loop {
        let started = Instant::now();
        let more = if write {
            database.write(|tx| run.chunk(&mut rows, tx, true))?
        } else {
            database.read(|tx| run.chunk(&mut rows, tx, false))?
        };
        run.report.write_ms_max = run.report.write_ms_max.max(started.elapsed().as_millis() as u64);
        let (bytes, lines) = rows.position();
        progress.at(bytes, &format!("{lines} lines"));
        if !more {
            break;
        }
    }
    progress.end();
    run.rejects.flush()?;
    run.report.rejected = run.rejects.count;
    Ok(run.report)
}

impl<K: Kind> Run<'_, '_, K> {
    /// Rows of one transaction; false at the end of the file.
    fn chunk(
        &mut self,
        rows: &mut Rows<impl std::io::Read>,
        tx: &Tx<'_>,
        write: bool,
    ) -> Result<bool, ImportError> {
        let started = Instant::now();
        let mut changes = Changes::new();
        let mut more = true;
        while started.elapsed() < WRITE_BUDGET {
            let item = rows.next_row().map_err(|source| ImportError::File {
                action: "read",
                path: self.source.path().to_owned(),
                source,
            })?;
            let Some(item) = item else {
                more = false;
                break;
            };
            match self.row(&item, tx, &mut changes, write) {
                Ok(Outcome::Accepted) => self.report.accepted += 1,
                Ok(Outcome::Unchanged) => self.report.unchanged += 1,
                Err(Refused::Row(reason)) => self.rejects.item(&item, &reason)?,
                Err(Refused::Storage(error)) => return Err(error.into()),
            }
        }
        if write {
            tx.touch(&changes)?;
        }
        Ok(more)
    }

    fn row(
        &mut self,
        item: &Item<'_>,
        tx: &Tx<'_>,
        changes: &mut Changes,
        write: bool,
    ) -> Result<Outcome, Refused> {
        let record = match item {
            Item::Record(record) => record,
            Item::Broken { reason, .. } => return Err(Refused::Row((*reason).to_owned())),
        };
        check_shape(record, &self.header, self.source)?;
        let cells = Cells {
            header: &self.header,
            record,
            columns: K::KIND.columns(),
        };
        let row = self.kind.read(&cells, self.context)?;
        let id = K::id(&row);
        let mut digest = Xxh3::new();
        row.hash(&mut digest);
        let digest = digest.finish();
        match self.seen.get(&id) {
            Some((same, _)) if *same == digest => return Ok(Outcome::Unchanged),
            Some((_, line)) => {
                return Err(Refused::Row(format!(
                    "`{id}` stands on line {line} already, with other content"
                )));
            }
            None => {}
        }
        let outcome = self.kind.take(row, tx, self.context, changes, write)?;
        self.seen.insert(id, (digest, record.line));
        Ok(outcome)
    }
}

/// A row has as many fields as the header, and is text.
pub(crate) fn check_shape(record: &Record<'_>, header: &Header, source: &Source) -> Result<(), String> {
    if record.width() != header.titles.len() {
        return Err(format!(
            "the row has {} fields, the header has {}",
            record.width(),
            header.titles.len()
        ));
    }
    if source.needs_text_check() && !source.is_text(record.raw) {
        return Err("the row holds bytes that are no text in the file's encoding".to_owned());
    }
    Ok(())
}
