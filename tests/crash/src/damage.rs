//! Bytes of the phone's file, its mirror or one of their logs that come back otherwise than they were
//! written, or not at all: by seed. The phone refuses or mends with a word for it, shows nobody else's data,
//! and nothing that a clerk did is lost.

use std::collections::BTreeSet;
use std::path::Path;

use yaoban_clerk_core::facade::{AppError, ClerkApp};
use yaoban_clerk_core::sync::{Cancel, Deaf};

use crate::day::{Day, Mark, phone_ledger, scratch};
use crate::disk::{Chance, Cut, Disk, lay_out};
use crate::verdict::{Verdict, guarded, names};
use crate::world::{PHONE_FILE, World, peek_phone};

/// Bytes of a page, and of a frame of the log with its header; the log's own header.
const PAGE: usize = 4_096;
const FRAME: usize = PAGE + 24;
const LOG_HEADER: usize = 32;
/// What stands after the name of the phone's file for the files that are damaged.
const FILES: [&str; 4] = ["", "-wal", ".mirror", ".mirror-wal"];
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
    /// Files whose damage cost operations that came back from the mirror.
    pub mirrored: usize,
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
    let before = only_here(&home.join(PHONE_FILE)).map_err(|error| error.to_string())?;
    lay_out(&disk.after(Cut::Kept, &day.home_root), &day.home_root, &home);
    *told = harm(&home, seed);
    let copy = folder.path().join("copy");
    lay_out(&disk.after(Cut::Kept, &day.home_root), &day.home_root, &copy);
    harm(&copy, seed);
    let still = only_here(&copy.join(PHONE_FILE)).map_or(0, |ops| ops.len());

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
    // The call after the one that found the damage has mended it already.
    if !matches!(whole, Ok(true)) {
        app.repair().map_err(|error| format!("the repair: {error}"))?;
    }
    let status = app
        .status()
        .map_err(|error| format!("status after it: {error}"))?;
    let aside = is_aside(&home);
    outcome.set_aside += usize::from(aside);
    let found = phone_ledger(&home.join(PHONE_FILE)).map_err(|error| error.to_string())?;
    let lost: Vec<&String> = before.iter().filter(|id| !found.ops.contains_key(*id)).collect();
    outcome.only_here.0 += before.len();
    outcome.only_here.1 += before.len() - lost.len();
    if !lost.is_empty() {
        return Err(format!("{} of {} operations are lost", lost.len(), before.len()));
    }
    let came_back = still < before.len();
    outcome.mirrored += usize::from(came_back);
    if came_back && !aside && status.salvaged_ops == 0 {
        return Err("operations came back from the mirror and nothing says so".to_owned());
    }
    for (id, op) in &found.ops {
        if mark.phone.ops.get(id).is_some_and(|kept| kept.body != op.body) {
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

/// Operations that the hub does not have for certain.
fn only_here(file: &Path) -> rusqlite::Result<BTreeSet<String>> {
    peek_phone(file)?
        .prepare("SELECT op_id FROM outbox WHERE state <> 'sent'")?
        .query_map([], |row| row.get(0))?
        .collect()
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

/// Damages one of the files; says how.
fn harm(home: &Path, seed: u64) -> String {
    let mut chance = Chance(seed);
    let filled: Vec<&str> = FILES
        .into_iter()
        .filter(|suffix| {
            let path = home.join(format!("{PHONE_FILE}{suffix}"));
            path.metadata().is_ok_and(|file| file.len() > 0)
        })
        .collect();
    let name = filled[below(&mut chance, filled.len())];
    let path = home.join(format!("{PHONE_FILE}{name}"));
    let mut bytes = std::fs::read(&path).expect("the file");
    let length = bytes.len();
    let (first, unit) = if name.ends_with("-wal") {
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
    format!("{PHONE_FILE}{name} of {length} bytes, {how}")
}
