//! Bytes of the phone's file or its log that come back otherwise than they were written, or not at all: by
//! seed. The phone refuses or mends with a word for it, shows nobody else's data, and what a clerk did and
//! nobody else has is saved wherever it can be read, or said to be lost.

use std::collections::BTreeSet;
use std::path::Path;

use yaoban_clerk_core::facade::{AppError, ClerkApp};
use yaoban_clerk_core::sync::{Cancel, Deaf};

use crate::day::{Day, Mark, PhoneLedger, phone_ledger, scratch};
use crate::disk::{Chance, Cut, Disk, lay_out};
use crate::verdict::{Verdict, guarded, names};
use crate::world::{PHONE_FILE, World, peek_phone};

/// Bytes of a page, and of a frame of the log with its header; the log's own header.
const PAGE: usize = 4_096;
const FRAME: usize = PAGE + 24;
const LOG_HEADER: usize = 32;
/// What [`harm`] calls it.
const LOG: &str = "log";
/// Operations of the day have smaller keys.
const KEYS_MAX: i64 = 40;
/// Rounds in which phone and hub have to come together.
const ROUNDS_MAX: u32 = 5;
/// What a phone says of a damaged file.
const CLEAR: [&str; 2] = ["file_damaged", "row_unreadable"];
/// What a phone asks for whose pairing, or who was signed in, was on a page that cannot be read.
const ASKS_ANEW: [&str; 2] = ["not_paired", "staff_missing"];

fn below(chance: &mut Chance, bound: usize) -> usize {
    chance.below(bound.max(1) as u64) as usize
}

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Files that were damaged.
    pub points: usize,
    /// Of these, set aside.
    pub set_aside: usize,
    /// Operations that only the phone had, and how many of them got to the hub.
    pub only_here: (usize, usize),
    /// Logs whose damage cost operations and nothing said so: not mended yet.
    pub unsaid: usize,
    /// What did not hold, by seed.
    pub violations: Vec<String>,
}

/// Damages the phone's file at a mark of the day, once for each seed.
pub fn damage_all(day: &Day, at: &str, seeds: std::ops::Range<u64>) -> Outcome {
    let mark = day.marks.iter().find(|mark| mark.name == at).expect("the mark");
    let mut disk = Disk::new(&day.steps);
    disk.advance_to(mark.at + 1);
    let mut outcome = Outcome::default();
    for seed in seeds {
        outcome.points += 1;
        let mut told = String::new();
        let result = guarded(|| damage(day, &disk, mark, seed, &mut outcome, &mut told));
        if let Err(error) = result {
            outcome.violations.push(format!("seed {seed}, {told}: {error}"));
        }
    }
    outcome
}

fn damage(
    day: &Day,
    disk: &Disk<'_>,
    mark: &Mark,
    seed: u64,
    outcome: &mut Outcome,
    told: &mut String,
) -> Verdict {
    let folder = scratch();
    let (hub_dir, home) = (folder.path().join("hub"), folder.path().join("home"));
    lay_out(&disk.after(Cut::Kept, &day.hub_root), &day.hub_root, &hub_dir);
    lay_out(&disk.after(Cut::Kept, &day.home_root), &day.home_root, &home);
    let world = World::at(&hub_dir, &home, mark.now_ms);
    world.serve()?;
    *told = harm(&home, seed);
    let copy = folder.path().join("copy");
    lay_out(&disk.after(Cut::Kept, &day.home_root), &day.home_root, &copy);
    harm(&copy, seed);
    let readable = readable(&copy.join(PHONE_FILE));
    let unsent = |ledger: &PhoneLedger| ledger.ops.clone();
    let before = unsent(&mark.phone);

    let app = match world.open_phone() {
        Ok(app) => app,
        Err(error) => return Err(format!("does not open: {}: {error}", error.code())),
    };
    let mut damaged = false;
    let mut looked = |result: Result<(), AppError>| match result {
        Ok(()) => Ok(()),
        Err(error) if CLEAR.contains(&error.code()) => {
            damaged = true;
            Ok(())
        }
        Err(error) if ASKS_ANEW.contains(&error.code()) && is_aside(&home) => Ok(()),
        Err(error) => Err(format!("not said clearly: {}: {error}", error.code())),
    };
    look(&app, &mut looked)?;
    let whole = app
        .checkup(false, &Cancel::default())
        .map(|checkup| checkup.file.whole);
    if damaged || !matches!(whole, Ok(true)) {
        app.repair().map_err(|error| format!("the repair: {error}"))?;
    }
    let status = app
        .status()
        .map_err(|error| format!("status after it: {error}"))?;
    let aside = is_aside(&home);
    outcome.set_aside += usize::from(aside);
    let found = phone_ledger(&home.join(PHONE_FILE)).map_err(|error| error.to_string())?;
    let lost: Vec<&String> = before.keys().filter(|id| !found.ops.contains_key(*id)).collect();
    outcome.only_here.0 += before.len();
    outcome.only_here.1 += before.len() - lost.len();
    if !lost.is_empty() && !aside && told.starts_with(LOG) {
        // SQLite takes the log to end where a frame is not whole, as a power cut leaves it.
        outcome.unsaid += 1;
    } else if !lost.is_empty() && !aside {
        return Err(format!(
            "{} of {} operations are lost and nothing says so",
            lost.len(),
            before.len()
        ));
    }
    if let Some(id) = lost.iter().find(|id| readable.contains(**id)) {
        return Err(format!(
            "operation {id} can be read and is lost, with {} of {}; {} can be read",
            lost.len(),
            before.len(),
            readable.len()
        ));
    }
    for (id, op) in &found.ops {
        if before.get(id).is_some_and(|kept| kept.body != op.body) {
            return Err(format!("operation {id} is another one"));
        }
    }
    if !status.paired {
        app.pair(&world.code(), "柜台手机")
            .map_err(|error| format!("pairs again: {error}"))?;
    }
    for round in 1.. {
        let report = app
            .sync(&Deaf, &Cancel::default())
            .map_err(|error| format!("round {round}: {}: {error}", error.code()))?;
        let status = app.status().map_err(|error| error.to_string())?;
        world.clock.advance(60_000);
        if report.up_to_date && status.outbox == 0 {
            break;
        }
        if round >= ROUNDS_MAX {
            return Err(format!("after {round} rounds {} wait: {report:?}", status.outbox));
        }
    }
    Ok(())
}

/// Operations that can still be read one by one, each by a connection of its own: SQLCipher gives nothing
/// more on one that met a damaged page.
fn readable(file: &Path) -> BTreeSet<String> {
    let one = |key: i64| -> rusqlite::Result<String> {
        peek_phone(file)?.query_row(
            "SELECT op_id FROM outbox WHERE outbox_id = ?1 AND length(body) > 0",
            [key],
            |row| row.get(0),
        )
    };
    (1..=KEYS_MAX).filter_map(|key| one(key).ok()).collect()
}

/// A damaged file was set aside.
fn is_aside(home: &Path) -> bool {
    !names(home, ".damaged-").is_empty()
}

fn look(app: &ClerkApp, looked: &mut dyn FnMut(Result<(), AppError>) -> Verdict) -> Verdict {
    for number in 0..20 {
        let id = format!("M{number}");
        match app.profile(&id) {
            Ok(profile) if profile.member.member_id != id => {
                return Err(format!("{id} shows another member"));
            }
            // One whose row is gone is unknown; that is for the digests to find.
            Err(AppError::Unknown { .. }) | Ok(_) => {}
            Err(error) => looked(Err(error))?,
        }
    }
    looked(app.find("会员", 20).map(drop))?;
    looked(app.status().map(drop))?;
    looked(app.stuck_ops().map(drop))
}

/// Damages the file or its log; says how.
fn harm(home: &Path, seed: u64) -> String {
    let mut chance = Chance(seed);
    let log = home.join(format!("{PHONE_FILE}-wal"));
    let has_log = log.metadata().is_ok_and(|file| file.len() > 0);
    let (name, path) = if has_log && below(&mut chance, 2) == 0 {
        (LOG, log)
    } else {
        ("file", home.join(PHONE_FILE))
    };
    let mut bytes = std::fs::read(&path).expect("the file");
    let length = bytes.len();
    let (first, unit) = if name == LOG {
        (LOG_HEADER, FRAME)
    } else {
        (0, PAGE)
    };
    let units = length.saturating_sub(first) / unit;
    // Page 1 of the file, or the log's header, now and then on purpose.
    let start = if below(&mut chance, 5) == 0 {
        0
    } else {
        first + below(&mut chance, units) * unit
    };
    let how = match below(&mut chance, 4) {
        0 => {
            let at = (start + below(&mut chance, unit)).min(length - 1);
            bytes[at] ^= 1 << below(&mut chance, 8);
            format!("a bit of byte {at} flipped")
        }
        1 => {
            for byte in &mut bytes[start..(start + unit).min(length)] {
                *byte = 0;
            }
            format!("{unit} bytes at {start} zeroed")
        }
        2 => {
            let at = start + below(&mut chance, unit);
            bytes.truncate(at);
            format!("cut at {at} of {length}")
        }
        _ => {
            for _ in 0..16 {
                let at = below(&mut chance, length);
                bytes[at] = bytes[at].wrapping_add(1 + below(&mut chance, 255) as u8);
            }
            "16 bytes changed".to_owned()
        }
    };
    std::fs::write(&path, &bytes).expect("the damaged file");
    format!("{name} of {length} bytes, {how}")
}
