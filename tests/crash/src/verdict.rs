//! What must hold whatever happened to a phone and its hub.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use yaoban_clerk_core::facade::ClerkApp;
use yaoban_clerk_core::sync::{Cancel, Deaf};
use yaoban_hub::storage::StorageError;
use yaoban_hub::storage::sqlite::audit::AuditCheck;

use crate::day::{Mark, PhoneLedger, hub_ledger, phone_ledger};
use crate::world::{HUB_FILE, HubCommand, PHONE_FILE, World, peek_hub, peek_phone, repair_round};

/// Rounds in which phone and hub have to come together.
const ROUNDS_MAX: u32 = 3;

/// Why something does not hold, in words.
pub type Verdict<T = ()> = Result<T, String>;

/// What was known to have been done when it happened, and what was under way.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The last mark: everything in it was acknowledged.
    pub before: &'a Mark,
    /// The mark that was under way; none if the day was over.
    pub under_way: Option<&'a Mark>,
}

impl Known<'_> {
    fn after(&self) -> &Mark {
        self.under_way.unwrap_or(self.before)
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Opens both sides after something happened to one of them, and holds everything against them.
pub fn judge(world: &World, known: &Known<'_>) -> Verdict {
    judge_hub(world, known)?;
    let app = judge_phone(world, Some(known))?;
    come_together(world, &app, known)?;
    let done = did_each_once(world).and_then(|()| no_stranger(world, known));
    drop(app);
    world.stop();
    done
}

/// Runs `work`; a panic in it is what does not hold.
pub fn guarded<T>(work: impl FnOnce() -> Verdict<T>) -> Verdict<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The hub opens, is whole, and ends what was under way when it is asked again.
pub fn judge_hub(world: &World, known: &Known<'_>) -> Verdict {
    let command = known.under_way.and_then(|mark| mark.command.as_ref());
    let file = world.hub_dir.join(HUB_FILE);
    if known.before.hub.figures.is_none() && !file.exists() {
        // Nothing was acknowledged but an empty hub at most; it is made anew.
        if known.before.name != "nothing" {
            return Err("the hub's database is gone".into());
        }
    }
    if file.exists() {
        hub_is_whole(world).map_err(|error| format!("the hub's file: {error}"))?;
    } else if known.before.name != "nothing" && !matches!(command, Some(HubCommand::Restore(_))) {
        return Err("the hub's database is gone".into());
    }
    if let Some(command) = command {
        finish(world, command).map_err(|error| format!("again {command:?}: {error}"))?;
        hub_is_whole(world).map_err(|error| format!("the hub's file after {command:?}: {error}"))?;
    }
    if !file.exists() {
        return Ok(());
    }
    let found = hub_ledger(world, Vec::new());
    let (before, after) = (&known.before.hub, &known.after().hub);
    let fits = |found: &Option<String>, before: &Option<String>, after: &Option<String>| {
        found == before && command.is_none() || found == after
    };
    if !fits(&found.figures, &before.figures, &after.figures) {
        return Err(format!(
            "figures are wrong\n{}\nexpected\n{}",
            found.figures.unwrap_or_default(),
            after.figures.clone().unwrap_or_default()
        ));
    }
    if command != Some(&HubCommand::Publish) && !fits(&found.model, &before.model, &after.model) {
        return Err("the published model is another one".into());
    }
    if !fits(&found.tasks, &before.tasks, &after.tasks) {
        return Err(format!(
            "tasks of the campaign: {:?}, not {:?}",
            found.tasks, after.tasks
        ));
    }
    for backup in &before.backups {
        backup_is_usable(world, backup).map_err(|error| format!("{backup}: {error}"))?;
    }
    Ok(())
}

fn hub_is_whole(world: &World) -> Verdict {
    world.hub(|database| {
        let audit = database
            .read::<_, StorageError>(|tx| tx.audit_check())
            .map_err(words)?;
        match audit {
            AuditCheck::Whole { .. } => Ok(()),
            AuditCheck::Broken { audit_key } => Err(format!("audit trail broken at {audit_key}")),
        }
    })?;
    let connection = peek_hub(&world.hub_dir.join(HUB_FILE)).map_err(words)?;
    is_whole(&connection)
}

/// SQLite finds nothing wrong with the file.
pub fn is_whole(connection: &rusqlite::Connection) -> Verdict {
    let found: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(words)?;
    if found == "ok" { Ok(()) } else { Err(found) }
}

/// The operator gives the command again; what had been done may say so.
pub fn finish(world: &World, command: &HubCommand) -> Verdict {
    let again = world.command(command);
    match (command, again) {
        (_, Ok(())) => Ok(()),
        // The words of a full disk say "already", too.
        (HubCommand::Init | HubCommand::Backup(_), Err(error))
            if error.contains("exists already") || error.contains("already holds") =>
        {
            if let HubCommand::Backup(name) = command {
                backup_is_usable(world, name)?;
                return Ok(());
            }
            is_made(world)
        }
        (HubCommand::Campaign(_), Err(error)) if error.contains("there is a campaign named") => Ok(()),
        (_, Err(error)) => Err(error),
    }
}

/// A hub that was made has an epoch: without one no phone could tell it from another.
fn is_made(world: &World) -> Verdict {
    let epoch = world
        .hub(|database| database.read::<_, StorageError>(|tx| tx.epoch()))
        .map_err(words)?;
    if epoch.is_empty() {
        return Err("the hub counts as made and has no epoch".into());
    }
    Ok(())
}

fn backup_is_usable(world: &World, name: &str) -> Verdict {
    let elsewhere = world.hub_dir.join("restored-elsewhere");
    let done = yaoban_hub::backup::restore(&elsewhere, &world.hub_dir.join(name), 0);
    let usable = done
        .map_err(words)
        .and_then(|_| peek_hub(&elsewhere.join(HUB_FILE)).map_err(words))
        .and_then(|connection| is_whole(&connection));
    let _ = std::fs::remove_dir_all(&elsewhere);
    usable
}

/// The phone opens its own file, which is whole and has everything that was acknowledged, if that is
/// known.
pub fn judge_phone(world: &World, known: Option<&Known<'_>>) -> Verdict<ClerkApp> {
    let app = world
        .open_phone()
        .map_err(|error| format!("the phone does not open: {error}"))?;
    let file = world.home.join(PHONE_FILE);
    let whole = || {
        peek_phone(&file)
            .map_err(words)
            .and_then(|connection| is_whole(&connection))
    };
    if known.is_some_and(|known| known.after().damaged) {
        if whole().is_err() {
            app.repair().map_err(|error| format!("the repair: {error}"))?;
        }
    } else {
        let aside = names(&world.home, ".damaged-");
        if !aside.is_empty() {
            return Err(format!("a file that was sound is set aside: {aside:?}"));
        }
    }
    whole().map_err(|error| format!("the phone's file: {error}"))?;
    if let Some(known) = known {
        let found = phone_ledger(&file).map_err(words)?;
        phone_kept(&found, &known.before.phone, &known.after().phone)?;
    }
    Ok(app)
}

/// Everything acknowledged is there once and unchanged; nothing is there that nobody did.
fn phone_kept(found: &PhoneLedger, before: &PhoneLedger, after: &PhoneLedger) -> Verdict {
    for (id, op) in &before.ops {
        match found.ops.get(id) {
            None if after.ops.contains_key(id) => return Err(format!("operation {id} is lost")),
            Some(kept) if kept.body != op.body => return Err(format!("operation {id} is another one")),
            Some(kept) if kept.n != op.n && Some(kept.n) != after.ops.get(id).map(|op| op.n) => {
                return Err(format!(
                    "operation {id} has the number {:?}, not {:?}",
                    kept.n, op.n
                ));
            }
            _ => {}
        }
    }
    for id in found.ops.keys() {
        if !before.ops.contains_key(id) && !after.ops.contains_key(id) {
            return Err(format!("operation {id} was never done"));
        }
    }
    let numbers: Vec<i64> = found.ops.values().filter_map(|op| op.n).collect();
    if numbers.iter().collect::<BTreeSet<_>>().len() != numbers.len() {
        return Err(format!("a number was given twice: {numbers:?}"));
    }
    if found.local != before.local && found.local != after.local {
        return Err("PINs or saved groups are others".into());
    }
    if found.device_id != before.device_id && found.device_id != after.device_id {
        return Err(format!("the phone is {:?}", found.device_id));
    }
    Ok(())
}

/// Files of a directory with this in their names.
pub fn names(directory: &Path, part: &str) -> Vec<String> {
    std::fs::read_dir(directory)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
                .filter(|name| name.contains(part))
                .collect()
        })
        .unwrap_or_default()
}

/// A few rounds later nothing waits, and both hold the same rows.
pub fn come_together(world: &World, app: &ClerkApp, known: &Known<'_>) -> Verdict {
    if known.before.hub.figures.is_none() || !known.after().serves && !known.before.serves {
        return Ok(());
    }
    if !world.serves() {
        world.serve()?;
    }
    let status = app.status().map_err(words)?;
    if !status.paired {
        if known.before.phone.device_id.is_some() {
            return Err("the phone is no longer paired".into());
        }
        app.pair(&world.code(), "柜台手机").map_err(words)?;
    }
    for round in 1.. {
        let report = app
            .sync(&Deaf, &Cancel::default())
            .map_err(|error| format!("round {round}: {error}"))?;
        let status = app.status().map_err(words)?;
        if let Some(stuck) = status.stuck.first() {
            return Err(format!("stuck: {stuck:?}"));
        }
        // A held outcome gets its number when its ten seconds are over.
        world.clock.advance(60_000);
        if report.up_to_date && status.outbox == 0 {
            break;
        }
        if round >= ROUNDS_MAX {
            return Err(format!(
                "after {round} rounds {} operations wait: {report:?}",
                status.outbox
            ));
        }
    }
    let report = repair_round(app);
    if let Some(problem) = report.first_problem() {
        return Err(format!("the round that compares: {problem:?}"));
    }
    if report.repaired_ranges != 0 {
        return Err(format!(
            "{} ranges of rows were not the hub's",
            report.repaired_ranges
        ));
    }
    let left = names(&world.home, ".load");
    if !left.is_empty() {
        return Err(format!("a load was left behind: {left:?}"));
    }
    Ok(())
}

/// Results at the hub, by operation.
fn results(connection: &rusqlite::Connection) -> rusqlite::Result<BTreeMap<String, Vec<i64>>> {
    let mut results = BTreeMap::<String, Vec<i64>>::new();
    let mut statement = connection.prepare("SELECT op_id, n FROM op_result")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        results.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    Ok(results)
}

/// The hub did nothing that nobody did.
fn no_stranger(world: &World, known: &Known<'_>) -> Verdict {
    if !world.serves() {
        return Ok(());
    }
    let connection = peek_hub(&world.hub_dir.join(HUB_FILE)).map_err(words)?;
    let done = |mark: &Mark, id: &String| mark.phone.ops.contains_key(id);
    let results = results(&connection).map_err(words)?;
    match results
        .keys()
        .find(|id| !done(known.before, id) && !done(known.after(), id))
    {
        Some(stranger) => Err(format!("the hub did {stranger}, which nobody did")),
        None => Ok(()),
    }
}

/// Each operation of the phone has one result at the hub, and nothing shows twice.
pub fn did_each_once(world: &World) -> Verdict {
    if !world.serves() {
        return Ok(());
    }
    let found = phone_ledger(&world.home.join(PHONE_FILE)).map_err(words)?;
    let connection = peek_hub(&world.hub_dir.join(HUB_FILE)).map_err(words)?;
    let results = results(&connection).map_err(words)?;
    for (id, op) in &found.ops {
        match results.get(id).map(Vec::as_slice) {
            None => return Err(format!("the hub never got operation {id}")),
            Some([n]) if Some(*n) == op.n => {}
            Some(numbers) => {
                return Err(format!("operation {id} ({:?}) has results at {numbers:?}", op.n));
            }
        }
    }
    doubled(&connection)
}

/// Nothing that the phone did shows twice at the hub.
fn doubled(connection: &rusqlite::Connection) -> Verdict {
    for (what, sql) in [
        (
            "a note",
            "SELECT count(*) FROM (SELECT 1 FROM note GROUP BY member_id, at_ms, json_extract(body, '$.text') HAVING count(*) > 1)",
        ),
        (
            "a member",
            "SELECT count(*) FROM (SELECT 1 FROM member WHERE phone = '13900000001' GROUP BY phone HAVING count(*) > 1)",
        ),
        ("a parked operation", "SELECT count(*) FROM parked_op"),
    ] {
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(words)?;
        if count > 0 {
            return Err(format!("{what} is at the hub that should not be"));
        }
    }
    Ok(())
}
