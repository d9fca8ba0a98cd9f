//! Purchases: by the million, visible all at once.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`parse`] | rows into lines, on a thread of its own |
//! | [`entry`], [`sieve`] | which line ids are taken, and by what |
//! | [`stage`] | `DIR/import.db`: what the file has given so far, and how far it got |
//! | [`sorted`] | the merge of sorted parts |
//! | [`fold`] | the complete file becomes visible |
//!
//! A run that was killed goes on where it stood: the journal of the stage says how far the file got,
//! as long as it is the same file (by its digest) and its rows would be checked against the same ids.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use super::header::Header;
use super::rejects::Rejects;
use super::source::Source;
use super::table::{Fields, Record, Rows};
use super::{Context, FileKind, FileReport, ImportError, Progress};
use crate::storage::sqlite::{Database, Tx};
use crate::storage::{Records as _, StorageError};

#[cfg(test)]
mod disk_tests;
mod entry;
mod fold;
#[cfg(test)]
mod merge_tests;
mod parse;
mod sieve;
mod sorted;
mod stage;

use entry::Verdict;
use fold::Longest;
use parse::{LastMember, Parser, Part};
use sieve::Sieve;
use stage::{Journal, Stage, StagedPart};

/// Ends what an earlier run left: a file that was read to its end becomes visible now, unless the
/// file itself is given again, which then goes on from there.
pub(super) fn settle(context: &Context<'_>, digests: &[&str]) -> Result<(), ImportError> {
    let mut longest = Longest::default();
    match Stage::open(context.database.dir())? {
        Some((_, journal)) if digests.contains(&journal.digest.as_str()) => Ok(()),
        Some((stage, journal)) if journal.complete => {
            fold::complete(context, &stage, &journal, &mut longest)?;
            drop(stage);
            Stage::remove(context.database.dir())
        }
        _ => discard(context.database),
    }
}

/// Forgets a file that was not read to its end.
fn discard(database: &Database) -> Result<(), ImportError> {
    if database.read::<_, StorageError>(|tx| tx.has_unseen_run())? {
        fold::purge(database, &mut Longest::default())?;
    }
    Stage::remove(database.dir())
}

/// Takes a file of purchases in.
pub(super) fn take_in(
    context: &mut Context<'_>,
    source: &Source,
    rejects_path: PathBuf,
) -> Result<FileReport, ImportError> {
    let database = context.database;
    let write = !context.options.dry_run;
    let mut rows = Rows::new(source.reader()?);
    let header = Header::read(&mut rows, FileKind::Purchases.columns(), source.path())?;
    let mut longest = Longest::default();
    let known = known(context);
    let (mut stage, mut journal, mut rejects) =
        if let Some(found) = resume(context, source, &known, &rejects_path)? {
            found
        } else {
            let journal = Journal {
                file_name: source.name(),
                digest: source.digest.clone(),
                known,
                generation: database.read::<_, StorageError>(|tx| tx.last_generation())? + 1,
                ..Journal::default()
            };
            let stage = Stage::create(write.then(|| database.dir()), &journal)?;
            let rejects = if write {
                Rejects::create(rejects_path, &header.titles)?
            } else {
                Rejects::counting()
            };
            (stage, journal, rejects)
        };
    if !journal.complete {
        if journal.bytes > 0 {
            let moved = rows.skip_to(journal.bytes, journal.lines);
            moved.map_err(|error| unreadable(source, error))?;
        }
        collect(
            context,
            source,
            &header,
            rows,
            &mut stage,
            &mut journal,
            &mut rejects,
        )?;
    }
    if write {
        fold::complete(context, &stage, &journal, &mut longest)?;
        drop(stage);
        Stage::remove(database.dir())?;
    }
    Ok(FileReport {
        kind: FileKind::Purchases,
        file: source.name(),
        accepted: journal.accepted,
        unchanged: journal.unchanged,
        skipped: journal.skipped,
        rejected: journal.rejected,
        rejects: rejects.path().map(std::path::Path::to_owned),
        write_ms_max: longest.0.as_millis() as u64,
    })
}

fn unreadable(source: &Source, error: std::io::Error) -> ImportError {
    ImportError::File {
        action: "read",
        path: source.path().to_owned(),
        source: error,
    }
}

/// A stamp of the ids that rows are checked against: rows that were refused by fewer of them are
/// checked again.
fn known(context: &Context<'_>) -> String {
    let refs = &context.refs;
    format!(
        "{}/{}/{}",
        refs.members.len(),
        refs.stores.len(),
        refs.drugs.len()
    )
}

/// What an earlier run of this file left, if it can go on from there. Anything else is ended here.
fn resume(
    context: &Context<'_>,
    source: &Source,
    known: &str,
    rejects_path: &std::path::Path,
) -> Result<Option<(Stage, Journal, Rejects)>, ImportError> {
    if context.options.dry_run {
        return Ok(None);
    }
    let Some((stage, journal)) = Stage::open(context.database.dir())? else {
        return Ok(None);
    };
    // Before the first part not even the header of the reject file is sure to be written.
    if journal.parts > 0 && journal.digest == source.digest && journal.known == known {
        let rejects = Rejects::resume(rejects_path.to_owned(), journal.rejects_bytes, journal.rejected)?;
        if let Some(rejects) = rejects {
            return Ok(Some((stage, journal, rejects)));
        }
    }
    drop(stage);
    settle(context, &[])?;
    Ok(None)
}

/// Reads the file to its end, part by part: one thread reads, this one judges and stages.
fn collect(
    context: &Context<'_>,
    source: &Source,
    header: &Header,
    mut rows: Rows<impl std::io::Read + Send>,
    stage: &mut Stage,
    journal: &mut Journal,
    rejects: &mut Rejects,
) -> Result<(), ImportError> {
    let seed = context.database.read::<_, StorageError>(seed)?;
    let parser = Parser {
        source,
        header,
        calendar: context.calendar,
        members: &context.refs.members,
        stores: &context.refs.stores,
        drugs: &context.refs.drugs,
        seed,
    };
    let (sender, receiver) = sync_channel::<std::io::Result<Part>>(1);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut last = LastMember::default();
            loop {
                let part = parser.part(&mut rows, &mut last);
                let is_last = part.as_ref().map_or(true, |part| part.last);
                if sender.send(part).is_err() || is_last {
                    return;
                }
            }
        });
        let staged = stage_parts(context, source, &receiver, stage, journal, rejects);
        drop(receiver);
        if let Err(panic) = reader.join() {
            std::panic::resume_unwind(panic);
        }
        staged
    })
}

/// The hub's secret seed of entries.
fn seed(tx: &Tx<'_>) -> Result<u64, StorageError> {
    let wrong = |reason: &str| StorageError::Record {
        entity: "meta",
        id: "dedup_seed".to_owned(),
        reason: reason.to_owned(),
    };
    let text = tx.meta("dedup_seed")?.ok_or_else(|| wrong("it is missing"))?;
    u64::from_str_radix(&text, 16).map_err(|_| wrong("it is no number"))
}

fn stage_parts(
    context: &Context<'_>,
    source: &Source,
    receiver: &Receiver<std::io::Result<Part>>,
    stage: &mut Stage,
    journal: &mut Journal,
    rejects: &mut Rejects,
) -> Result<(), ImportError> {
    let mut progress = Progress::new(&source.name(), source.bytes, context.options.progress);
    let mut sieve = None;
    for part in receiver {
        let part = part.map_err(|error| unreadable(source, error))?;
        if journal.parts > 0 && sieve.is_none() {
            sieve = Some(sieve_of(context.database, stage, journal.parts)?);
        }
        let (verdicts, entries) = judge(context.database, stage, journal.parts, &part, sieve.as_mut())?;
        let mut accepted = Vec::with_capacity(part.lines.len());
        for (verdict, at) in verdicts.iter().zip(0..) {
            match verdict {
                Verdict::New => accepted.push(at),
                Verdict::Same => journal.unchanged += 1,
                Verdict::Conflict => {}
            }
        }
        reject(&part, &verdicts, rejects)?;
        journal.accepted += accepted.len() as u64;
        journal.skipped += part.skipped;
        journal.rejected = rejects.count;
        journal.rejects_bytes = rejects.flush()?;
        (journal.bytes, journal.lines) = part.position;
        journal.parts += 1;
        journal.complete = part.last;
        let staged = StagedPart {
            entries,
            by_member: if context.options.dry_run {
                Vec::new()
            } else {
                sorted::by_member(&part, &accepted)
            },
            by_drug: if context.options.dry_run {
                Vec::new()
            } else {
                sorted::by_drug(&part, &accepted)
            },
        };
        stage.add(&staged, journal)?;
        progress.at(journal.bytes, &format!("{} lines read", journal.lines));
    }
    progress.end();
    if journal.complete {
        Ok(())
    } else {
        Err(unreadable(source, std::io::Error::other("reading stopped")))
    }
}

/// Places of the lines, grouped by bucket and in the order of the file within.
fn by_bucket(part: &Part) -> (Vec<usize>, Vec<u32>) {
    let mut ends = vec![0_usize; entry::BUCKETS + 1];
    for entry in &part.entries {
        ends[entry::bucket(*entry) + 1] += 1;
    }
    for index in 1..ends.len() {
        ends[index] += ends[index - 1];
    }
    let mut next = ends.clone();
    let mut order = vec![0; part.entries.len()];
    for (entry, place) in part.entries.iter().zip(0..) {
        let slot = &mut next[entry::bucket(*entry)];
        order[*slot] = place;
        *slot += 1;
    }
    (ends, order)
}

/// A sieve over everything known: the database and the parts staged.
fn sieve_of(database: &Database, stage: &Stage, parts: u32) -> Result<Sieve, ImportError> {
    let mut sieve = Sieve::new();
    let mut add = |row: &[u8]| entry::from_bytes(row).for_each(|entry| sieve.add(entry));
    database.read::<_, StorageError>(|tx| tx.each_line_entries(&mut add))?;
    stage.each_bucket(parts, |_, rows| {
        for row in rows {
            add(row);
        }
        Ok::<_, ImportError>(())
    })?;
    Ok(sieve)
}

/// Entries of one part by bucket, as they stand at rest.
type Entries = Vec<(u32, Vec<u8>)>;

/// What each line's id is to everything known: to the database, to earlier parts, to this part; and the
/// entries of the lines that are new. A bucket is looked up if the sieve does not say that all its ids
/// are new; without a sieve each is looked up in the database, and there are no earlier parts.
fn judge(
    database: &Database,
    stage: &Stage,
    parts: u32,
    part: &Part,
    mut sieve: Option<&mut Sieve>,
) -> Result<(Vec<Verdict>, Entries), ImportError> {
    let mut verdicts = vec![Verdict::New; part.lines.len()];
    let mut new = Vec::new();
    let (ends, order) = by_bucket(part);
    let mut lines = Vec::new();
    let mut known = Vec::new();
    database.read::<_, ImportError>(|tx| {
        for (bucket, range) in (0..).zip(ends.windows(2)) {
            let places = &order[range[0]..range[1]];
            if places.is_empty() {
                continue;
            }
            lines.clear();
            lines.extend(places.iter().map(|&place| (part.entries[place as usize], place)));
            lines.sort_unstable_by_key(|(entry, place)| (entry::id_part(*entry), *place));
            known.clear();
            let may_be_known = |sieve: &Sieve| {
                lines
                    .iter()
                    .any(|(entry, _): &(u128, u32)| sieve.may_hold(*entry))
            };
            if sieve.as_deref().is_none_or(may_be_known) {
                tx.line_entries(bucket, &mut known)?;
                stage.entries_of(bucket, parts, &mut known)?;
            }
            entry::judge(&lines, &known, &mut verdicts);
            let of_new = lines
                .iter()
                .filter(|(_, place)| verdicts[*place as usize] == Verdict::New);
            let row = entry::to_bytes(of_new.clone().map(|(entry, _)| *entry));
            if let Some(sieve) = &mut sieve {
                of_new.for_each(|(entry, _)| sieve.add(*entry));
            }
            if !row.is_empty() {
                new.push((bucket, row));
            }
        }
        Ok(())
    })?;
    Ok((verdicts, new))
}

/// Writes the part's rejects in the order of the file.
fn reject(part: &Part, verdicts: &[Verdict], rejects: &mut Rejects) -> Result<(), ImportError> {
    let mut fields = Fields::default();
    let mut put = |line: u64, reason: &str, raw: &[u8]| match Record::split(line, raw, &mut fields) {
        Ok(record) => rejects.record(&record, reason),
        Err(_) => rejects.broken(line, reason, raw),
    };
    let mut wrong = part.wrong.iter().peekable();
    for (line, verdict) in part.lines.iter().zip(verdicts) {
        while let Some(wrong) = wrong.next_if(|wrong| wrong.line < line.line) {
            put(wrong.line, &wrong.reason, part.wrong_raw(wrong))?;
        }
        if *verdict == Verdict::Conflict {
            let id = String::from_utf8_lossy(part.id(line));
            put(
                line.line,
                &format!("line `{id}` is known already, with other content"),
                part.raw(line),
            )?;
        }
    }
    for wrong in wrong {
        put(wrong.line, &wrong.reason, part.wrong_raw(wrong))?;
    }
    Ok(())
}
