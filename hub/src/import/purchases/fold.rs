//! A file that has been read to its end becomes visible.
//!
//! Fold: packed rows and entries of the new generation are written beside the visible ones,
//! step by step; writing them again changes nothing, so a fold that stopped begins anew. Switch: one
//! small transaction. Finish: phones are told, tasks that waited for a purchase close, rows that were
//! replaced go.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use yaoban_protocol::row::entity;

use super::entry;
use super::sorted::{DrugMerge, MemberLines, MemberMerge, Sold};
use super::stage::{Journal, Stage};
use crate::daily::{Today, close_bought};
use crate::import::{Context, ImportError, Progress, WRITE_BUDGET};
use crate::storage::StorageError;
use crate::storage::packed::{days, lines, sales};
use crate::storage::sqlite::figures::{ImportRun, MemberFigures, UnseenTable};
use crate::storage::sqlite::sales::{DrugSales, block_of};
use crate::storage::sqlite::scope::store_scope;
use crate::storage::sqlite::{Database, Tx};

/// Members in a batch between the two threads.
const BATCH: usize = if cfg!(test) { 2 } else { 16 << 10 };
/// Bytes of sales in a batch between the two threads.
const SALES_BATCH_BYTES: usize = 2 << 20;
/// Bytes of entries in a batch between the two threads.
const ENTRIES_BATCH_BYTES: usize = 4 << 20;
/// Rows of entries that a bucket may have before they become one.
const BUCKET_ROWS_MAX: u32 = 16;
/// Members whose phones are told in one transaction.
const TOLD_AT_ONCE: usize = 8 << 10;

/// States of a run.
const FOLDING: &str = "folding";
const FINISHING: &str = "finishing";
const DONE: &str = "done";

/// Packed rows of consecutive members.
#[derive(Default)]
struct Figures {
    rows: Vec<(u32, usize, usize)>,
    bytes: Vec<u8>,
}

impl Figures {
    fn push(&mut self, member: u32, days: &[u8], lines: &[u8]) {
        self.bytes.extend_from_slice(days);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(lines);
        self.rows.push((member, middle, self.bytes.len()));
    }

    fn iter(&self, from: usize) -> impl Iterator<Item = MemberFigures<'_>> {
        let starts = std::iter::once(0).chain(self.rows.iter().map(|row| row.2));
        self.rows
            .iter()
            .zip(starts)
            .skip(from)
            .map(|((member_key, middle, end), start)| MemberFigures {
                member_key: *member_key,
                days: &self.bytes[start..*middle],
                lines: &self.bytes[*middle..*end],
            })
    }
}

/// Packed sales of drugs, each of one block: drug, block, end of its bytes.
#[derive(Default)]
struct Sales {
    rows: Vec<(u32, i32, usize)>,
    bytes: Vec<u8>,
}

impl Sales {
    /// What was written since the row before is that of the drug and block of this line.
    fn end_row(&mut self, of: &Sold) {
        self.rows.push((of.drug, block(of), self.bytes.len()));
    }

    fn iter(&self, from: usize) -> impl Iterator<Item = DrugSales<'_>> {
        let starts = std::iter::once(0).chain(self.rows.iter().map(|row| row.2));
        self.rows
            .iter()
            .zip(starts)
            .skip(from)
            .map(|((drug_key, block, end), start)| DrugSales {
                drug_key: *drug_key,
                block: *block,
                sales: &self.bytes[start..*end],
            })
    }
}

fn block(sold: &Sold) -> i32 {
    block_of(sold.sale.day)
}

enum Batch {
    Figures(Figures),
    Sales(Sales),
    /// Entries by bucket.
    Entries(Vec<(u32, Vec<u8>)>),
}

/// The longest write transaction so far.
#[derive(Debug, Default)]
pub(super) struct Longest(pub Duration);

impl Longest {
    /// Runs one write transaction whose rows end at the instant given to `f`.
    pub fn write<T>(
        &mut self,
        database: &Database,
        f: impl FnOnce(&Tx<'_>, Instant) -> Result<T, ImportError>,
    ) -> Result<T, ImportError> {
        database.write(|tx| {
            let started = Instant::now();
            let value = f(tx, started + WRITE_BUDGET)?;
            self.0 = self.0.max(started.elapsed());
            Ok(value)
        })
    }
}

/// Makes a complete file visible, from wherever an earlier run stood.
pub(super) fn complete(
    context: &Context<'_>,
    stage: &Stage,
    journal: &Journal,
    longest: &mut Longest,
) -> Result<(), ImportError> {
    let database = context.database;
    let generation = journal.generation;
    let mut run = ImportRun {
        generation,
        file_name: journal.file_name.clone(),
        digest: journal.digest.clone(),
        state: FOLDING.to_owned(),
        accepted: journal.accepted,
        unchanged: journal.unchanged,
        skipped: journal.skipped,
        rejected: journal.rejected,
    };
    let known = database.read::<_, StorageError>(|tx| tx.import_run(generation))?;
    let state = known.map(|run| run.state);
    if state.as_deref() == Some(DONE) {
        return Ok(());
    }
    let mut touched = None;
    if state.as_deref() != Some(FINISHING) {
        longest.write(database, |tx, _| {
            tx.forget_moved_keys()?;
            Ok(tx.put_import_run(&run)?)
        })?;
        // A power cut may cost steps of the fold, which begins anew then; what follows is flushed.
        database.flush_commits(false)?;
        let folded = fold(context, journal, longest);
        database.flush_commits(true)?;
        let keys = folded?;
        let merged = database.read::<_, StorageError>(|tx| tx.merged_among(&keys))?;
        touched = Some(keys);
        FINISHING.clone_into(&mut run.state);
        longest.write(database, |tx, _| {
            tx.settle_moved(generation, &merged)?;
            tx.show_generation(generation)?;
            Ok(tx.put_import_run(&run)?)
        })?;
    }
    let touched = match touched {
        Some(touched) => touched,
        None => members_of(stage, journal)?,
    };
    let touched = database.read::<_, StorageError>(|tx| tx.owners_of(touched))?;
    finish(context, journal, &touched, longest)?;
    DONE.clone_into(&mut run.state);
    longest.write(database, |tx, _| Ok(tx.put_import_run(&run)?))
}

fn members_of(stage: &Stage, journal: &Journal) -> Result<Vec<u32>, ImportError> {
    let mut merge = MemberMerge::new(stage, journal.parts)?;
    let mut member = MemberLines::default();
    let mut keys = Vec::new();
    while merge.next(&mut member)? {
        keys.push(member.member);
    }
    Ok(keys)
}

/// Writes everything of the new generation; gives the members that it concerns.
fn fold(context: &Context<'_>, journal: &Journal, longest: &mut Longest) -> Result<Vec<u32>, ImportError> {
    let database = context.database;
    let mut progress = Progress::new(&journal.file_name, journal.accepted, context.options.progress);
    let mut touched = Vec::new();
    let (sender, receiver) = sync_channel::<Batch>(2);
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || -> Result<(), ImportError> {
            let own = stage_of(database)?;
            produce_figures(&own, journal, database, |batch| {
                sender.send(Batch::Figures(batch)).is_ok()
            })?;
            produce_sales(&own, journal, |batch| sender.send(Batch::Sales(batch)).is_ok())?;
            produce_entries(&own, journal, |batch| sender.send(Batch::Entries(batch)).is_ok())
        });
        let consumed = consume(context, &receiver, journal, longest, &mut progress, &mut touched);
        // A producer whose consumer has failed ends at its next batch.
        drop(receiver);
        let produced = producer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        consumed.and(produced)
    })?;
    progress.end();
    Ok(touched)
}

/// The stage of a database, opened for a thread of its own.
fn stage_of(database: &Database) -> Result<Stage, ImportError> {
    match Stage::reopen(database.dir())? {
        Some((stage, _)) => Ok(stage),
        None => Err(ImportError::File {
            action: "read",
            path: database.dir().join("import.db"),
            source: std::io::ErrorKind::NotFound.into(),
        }),
    }
}

fn consume(
    context: &Context<'_>,
    receiver: &Receiver<Batch>,
    journal: &Journal,
    longest: &mut Longest,
    progress: &mut Progress,
    touched: &mut Vec<u32>,
) -> Result<(), ImportError> {
    let generation = journal.generation;
    for batch in receiver {
        let mut done = 0;
        match batch {
            Batch::Figures(figures) => {
                touched.extend(figures.rows.iter().map(|row| row.0));
                while done < figures.rows.len() {
                    done += longest.write(context.database, |tx, until| {
                        Ok(tx.put_figures(figures.iter(done), generation, until)?)
                    })?;
                }
                progress.at(0, &format!("{} members written", touched.len()));
            }
            Batch::Sales(sales) => {
                while done < sales.rows.len() {
                    done += longest.write(context.database, |tx, until| {
                        Ok(tx.put_sales(sales.iter(done), generation, until)?)
                    })?;
                }
                progress.at(0, "writing by drug");
            }
            Batch::Entries(rows) => {
                while done < rows.len() {
                    longest.write(context.database, |tx, until| {
                        for (bucket, entries) in &rows[done..] {
                            tx.put_line_entries(*bucket, generation, entries)?;
                            done += 1;
                            if Instant::now() >= until {
                                break;
                            }
                        }
                        Ok(())
                    })?;
                }
                progress.at(0, "keeping line ids");
            }
        }
    }
    Ok(())
}

/// What a member bought until now and what the file adds, packed anew.
fn produce_figures(
    stage: &Stage,
    journal: &Journal,
    database: &Database,
    send: impl Fn(Figures) -> bool,
) -> Result<(), ImportError> {
    let mut merge = MemberMerge::new(stage, journal.parts)?;
    let mut member = MemberLines::default();
    let (mut old_days, mut old_lines) = (Vec::new(), Vec::new());
    let (mut new_days, mut new_lines) = (Vec::new(), Vec::new());
    let mut more = true;
    while more {
        let mut batch = Figures::default();
        database.read::<_, ImportError>(|tx| {
            let is_first = tx.visible_generation()? == 0;
            while batch.rows.len() < BATCH {
                more = merge.next(&mut member)?;
                if !more {
                    break;
                }
                if !is_first {
                    tx.figures_of(member.member, &mut old_days, &mut old_lines)?;
                }
                pack(&member, &old_days, &old_lines, &mut new_days, &mut new_lines)?;
                batch.push(member.member, &new_days, &new_lines);
            }
            Ok(())
        })?;
        if !batch.rows.is_empty() && !send(batch) {
            return Ok(());
        }
    }
    Ok(())
}

fn pack(
    member: &MemberLines,
    old_days: &[u8],
    old_lines: &[u8],
    new_days: &mut Vec<u8>,
    new_lines: &mut Vec<u8>,
) -> Result<(), ImportError> {
    let damaged = |error: crate::storage::packed::Damaged| StorageError::Record {
        entity: "purchases",
        id: format!("of member key {}", member.member),
        reason: error.to_string(),
    };
    let mut all = lines::read(old_lines).map_err(damaged)?;
    let mut net: Vec<(i32, i64)> = days::read(old_days).collect::<Result<_, _>>().map_err(damaged)?;
    for line in member.iter() {
        net.push((line.day, line.amount_fen));
        all.push(line);
    }
    all.sort_unstable();
    net.sort_unstable();
    new_lines.clear();
    let mut before = 0;
    for line in &all {
        lines::put(new_lines, before, line);
        before = line.day;
    }
    new_days.clear();
    before = 0;
    for day in net.chunk_by(|a, b| a.0 == b.0) {
        let sum: i64 = day.iter().map(|entry| entry.1).sum();
        if sum != 0 {
            days::put(new_days, before, day[0].0, sum);
            before = day[0].0;
        }
    }
    Ok(())
}

/// What the file adds by drug and block of days.
fn produce_sales(stage: &Stage, journal: &Journal, send: impl Fn(Sales) -> bool) -> Result<(), ImportError> {
    let mut merge = DrugMerge::new(stage, journal.parts)?;
    let mut batch = Sales::default();
    let mut before: Option<Sold> = None;
    while let Some(sold) = merge.next()? {
        let same = before.filter(|before| before.drug == sold.drug && block(before) == block(&sold));
        if same.is_none()
            && let Some(before) = before
        {
            batch.end_row(&before);
            if batch.bytes.len() >= SALES_BATCH_BYTES && !send(std::mem::take(&mut batch)) {
                return Ok(());
            }
        }
        sales::put(
            &mut batch.bytes,
            same.as_ref().map(|before| &before.sale),
            &sold.sale,
        );
        before = Some(sold);
    }
    if let Some(before) = before {
        batch.end_row(&before);
        send(batch);
    }
    Ok(())
}

/// The entries of the file by bucket, those of all its parts together.
fn produce_entries(
    stage: &Stage,
    journal: &Journal,
    send: impl Fn(Vec<(u32, Vec<u8>)>) -> bool,
) -> Result<(), ImportError> {
    let mut batch: Vec<(u32, Vec<u8>)> = Vec::new();
    let (mut bytes, mut heard) = (0, true);
    stage.each_bucket(journal.parts, |bucket, rows| {
        if heard {
            let entries = entry::merge(rows);
            bytes += entries.len();
            batch.push((bucket, entries));
        }
        if bytes >= ENTRIES_BATCH_BYTES {
            bytes = 0;
            heard = send(std::mem::take(&mut batch));
        }
        Ok::<_, ImportError>(())
    })?;
    if heard && !batch.is_empty() {
        send(batch);
    }
    Ok(())
}

/// What follows the switch. All of it can be done twice.
fn finish(
    context: &Context<'_>,
    journal: &Journal,
    touched: &[u32],
    longest: &mut Longest,
) -> Result<(), ImportError> {
    let database = context.database;
    let today = Today {
        now_ms: context.now_ms,
        rules: context.rules.clone(),
        calendar: context.calendar,
    };
    close_bought(database, &today)?;
    tell_phones(context, journal, touched, longest)?;
    for keys in touched.chunks(BATCH) {
        let mut done = 0;
        while journal.generation > 1 && done < keys.len() {
            longest.write(database, |tx, until| {
                while done < keys.len() && Instant::now() < until {
                    tx.remove_old_figures(keys[done], journal.generation)?;
                    done += 1;
                }
                Ok(())
            })?;
        }
    }
    let crowded = database.read::<_, StorageError>(|tx| tx.crowded_buckets(BUCKET_ROWS_MAX))?;
    let mut crowded = crowded.into_iter().peekable();
    while crowded.peek().is_some() {
        longest.write(database, |tx, until| {
            while let Some(bucket) = crowded.next_if(|_| Instant::now() < until) {
                let mut rows = Vec::new();
                tx.line_entries(bucket, &mut rows)?;
                tx.replace_line_entries(bucket, journal.generation, &entry::merge(&rows))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Phones fetch the purchases and the life-time figures of these members again.
fn tell_phones(
    context: &Context<'_>,
    journal: &Journal,
    touched: &[u32],
    longest: &mut Longest,
) -> Result<(), ImportError> {
    let mut progress = Progress::new(&journal.file_name, touched.len() as u64, context.options.progress);
    let mut homes: Vec<(String, String)> = Vec::with_capacity(touched.len());
    for keys in touched.chunks(BATCH) {
        let some = context.database.read::<_, StorageError>(|tx| tx.homes(keys))?;
        // A member without a store is on no phone.
        homes.extend(
            some.into_iter()
                .filter_map(|(store, member)| Some((store?, member))),
        );
    }
    homes.sort_unstable();
    let mut told = 0;
    for of_store in homes.chunk_by(|a, b| a.0 == b.0) {
        let scope = store_scope(&of_store[0].0);
        for some in of_store.chunks(TOLD_AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|(_, member)| member.as_str()).collect();
            longest.write(context.database, |tx, _| {
                tx.touch_many(&scope, entity::MEMBER, &ids)?;
                Ok(tx.touch_many(&scope, entity::PURCHASES, &ids)?)
            })?;
            told += some.len() as u64;
            progress.at(told, "telling the phones");
        }
    }
    progress.end();
    Ok(())
}

/// Removes what a fold left that can no longer be finished.
pub(super) fn purge(database: &Database, longest: &mut Longest) -> Result<(), ImportError> {
    for table in [
        UnseenTable::MemberDays,
        UnseenTable::MemberLines,
        UnseenTable::DrugSales,
        UnseenTable::LineEntry,
    ] {
        let mut from = Some(0);
        while from.is_some() {
            longest.write(database, |tx, until| {
                while let Some(at) = from
                    && Instant::now() < until
                {
                    from = tx.purge_step(table, at)?;
                }
                Ok(())
            })?;
        }
    }
    longest.write(database, |tx, _| Ok(tx.forget_unseen_runs()?))
}
