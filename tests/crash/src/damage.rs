//! Bytes that a disk gives back otherwise than it got them: never a panic, never a deleted file, what
//! can still be read of the outbox is saved, and whoever has to do something is told what.

use std::collections::BTreeSet;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use yaoban_clerk_core::facade::ClerkApp;
use yaoban_clerk_core::sync::{Cancel, Deaf};
use yaoban_hub::storage::sqlite::Database;

use crate::day::{Day, phone_ledger, scratch};
use crate::disk::{Chance, Cut, Disk, lay_out};
use crate::power::{Side, known};
use crate::verdict::{Known, Verdict, guarded, is_whole, judge, judge_hub, names};
use crate::world::{HUB_FILE, HubCommand, PHONE_FILE, World, peek_hub, peek_phone};

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Files that were damaged.
    pub files: usize,
    /// Of these, phones' files that were set aside.
    pub set_aside: usize,
    /// Of these, hub's databases that were refused.
    pub refused: usize,
    /// What did not hold.
    pub violations: Vec<String>,
}

/// How a file is damaged.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip { bytes: u64 },
    Zero { from: usize },
    Cut { to: usize },
    Noise,
    Empty,
}

impl Damage {
    fn draw(chance: &mut Chance, length: usize) -> Self {
        let at = |chance: &mut Chance| chance.below(length as u64) as usize;
        match chance.below(8) {
            0..=3 => Self::Flip {
                bytes: 1 + chance.below(64),
            },
            4 => Self::Zero { from: at(chance) },
            5 => Self::Cut { to: at(chance) },
            6 => Self::Noise,
            _ => Self::Empty,
        }
    }

    fn apply(self, chance: &mut Chance, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip { bytes: count } => {
                for _ in 0..count {
                    let at = chance.below(bytes.len() as u64) as usize;
                    bytes[at] ^= 1 << chance.below(8);
                }
            }
            Self::Zero { from } => {
                let end = bytes.len().min(from + 4_096);
                bytes[from..end].fill(0);
            }
            Self::Cut { to } => bytes.truncate(to),
            Self::Noise => bytes.iter_mut().for_each(|byte| *byte = chance.draw() as u8),
            Self::Empty => bytes.clear(),
        }
    }
}

/// Damages one file for each seed, anywhere in the day.
pub fn damage_all(day: &Day, seeds: std::ops::Range<u64>, tell: &dyn Fn(usize)) -> Outcome {
    watch_panics();
    let mut outcome = Outcome::default();
    for seed in seeds {
        panics().clear();
        let found = guarded(|| damage_one(day, seed, &mut outcome));
        let mut violation = found.err();
        if let Some(panic) = panics().first() {
            violation = Some(format!("panic: {panic}"));
        }
        if let Some(violation) = violation {
            outcome.violations.push(format!("seed {seed}: {violation}"));
        }
        tell(outcome.files);
    }
    outcome
}

fn panics() -> std::sync::MutexGuard<'static, Vec<String>> {
    static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    PANICS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps panics of the product, also those that a server turns into an error of one request.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let at = panic.location().map(Location::to_string).unwrap_or_default();
            if at.contains("tests/crash") {
                before(panic);
            } else {
                panics().push(format!("{at}: {panic}"));
            }
        }));
    });
}

fn damage_one(day: &Day, seed: u64, outcome: &mut Outcome) -> Verdict {
    let mut chance = Chance(seed);
    let first = day
        .marks
        .iter()
        .find(|mark| mark.name == "first load")
        .map_or(0, |mark| mark.at);
    let steps = first + 1 + chance.below((day.steps.len() - first - 1) as u64) as usize;
    let side = if seed.is_multiple_of(2) {
        Side::Phone
    } else {
        Side::Hub
    };
    let mut disk = Disk::new(&day.steps);
    disk.advance_to(steps);
    let mut hub = disk.after(Cut::Kept, &day.hub_root);
    let mut home = disk.after(Cut::Kept, &day.home_root);
    let damaged = if side == Side::Phone { &mut home } else { &mut hub };
    let mut files: Vec<(&String, &mut Vec<u8>)> = damaged
        .iter_mut()
        .filter_map(|(path, bytes)| Some((path, bytes.as_mut()?)))
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    let at = chance.below(files.len() as u64) as usize;
    let (path, bytes) = &mut files[at];
    let (path, damage) = ((*path).clone(), Damage::draw(&mut chance, bytes.len()));
    damage.apply(&mut chance, bytes);
    let folder = scratch();
    let (hub_dir, home_dir) = (folder.path().join("hub"), folder.path().join("home"));
    lay_out(&hub, &day.hub_root, &hub_dir);
    lay_out(&home, &day.home_root, &home_dir);
    let known = known(&day.marks, steps);
    let world = World::at(&hub_dir, &home_dir, known.before.now_ms);
    outcome.files += 1;
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let found = match side {
        Side::Phone => phone_lives(&world, &known, outcome),
        Side::Hub if name.starts_with(HUB_FILE) => hub_tells(&world, &known, outcome),
        Side::Hub if Some(name.as_str()) == backup_of(&known) => bad_backup_changes_nothing(&world, &known),
        // A cache, a journal or a list: built anew.
        Side::Hub => judge(&world, &known),
    };
    found.map_err(|error| format!("{name} after {steps} steps, {damage:?}: {error}"))
}

fn backup_of<'k>(known: &'k Known<'_>) -> Option<&'k str> {
    known.before.hub.backups.first().map(String::as_str)
}

/// Operations that can be read in a copy of a phone's files, from either end of the table.
fn readable_ops(home: &Path) -> BTreeSet<String> {
    let copy = scratch();
    for entry in std::fs::read_dir(home).expect("a directory").flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(PHONE_FILE) {
            std::fs::copy(entry.path(), copy.path().join(name)).expect("a copy");
        }
    }
    let mut found = BTreeSet::new();
    let Ok(connection) = peek_phone(&copy.path().join(PHONE_FILE)) else {
        return found;
    };
    for order in ["", "DESC"] {
        let sql = format!("SELECT op_id, body FROM outbox ORDER BY outbox_id {order}");
        let Ok(mut statement) = connection.prepare(&sql) else {
            return found;
        };
        let Ok(mut rows) = statement.query([]) else {
            return found;
        };
        while let Ok(Some(row)) = rows.next() {
            if let Ok(id) = row.get(0) {
                found.insert(id);
            }
        }
    }
    found
}

/// The phone opens, saves what can be read, and after at most one repair comes together with its hub.
fn phone_lives(world: &World, known: &Known<'_>, outcome: &mut Outcome) -> Verdict {
    let readable = readable_ops(&world.home);
    let app = world
        .open_phone()
        .map_err(|error| format!("the phone does not open: {error}"))?;
    if !world.serves() && world.hub_dir.join(HUB_FILE).exists() {
        world.serve()?;
    }
    if !world.serves() {
        return Ok(());
    }
    let mut repaired = false;
    let mut round = |app: &ClerkApp| -> Verdict {
        for _ in 0..4 {
            if !app.status().map_err(|error| error.to_string())?.paired {
                // Who the phone was could not be read: it is paired again.
                app.pair(&world.code(), "柜台手机")
                    .map_err(|error| error.to_string())?;
            }
            match app.sync(&Deaf, &Cancel::default()) {
                Ok(report) if report.up_to_date && app.status().map_err(|e| e.to_string())?.outbox == 0 => {
                    return Ok(());
                }
                Ok(_) => world.clock.advance(60_000),
                Err(error) if error.code() == "file_damaged" && !repaired => {
                    repaired = true;
                    app.repair().map_err(|error| format!("the repair: {error}"))?;
                }
                Err(error) => return Err(format!("{}: {error}", error.code())),
            }
        }
        Err("no round ends".into())
    };
    round(&app)?;
    let file = world.home.join(PHONE_FILE);
    let sound = || {
        peek_phone(&file)
            .map_err(|e| e.to_string())
            .and_then(|c| is_whole(&c))
    };
    if sound().is_err() {
        // Nobody has read the damaged page yet.
        app.repair().map_err(|error| format!("the repair: {error}"))?;
        round(&app)?;
        sound()?;
    }
    if !names(&world.home, ".damaged-").is_empty() {
        outcome.set_aside += 1;
    }
    let kept = phone_ledger(&file).map_err(|error| error.to_string())?;
    let hub = peek_hub(&world.hub_dir.join(HUB_FILE)).map_err(|error| error.to_string())?;
    for id in &readable {
        let at_hub = hub
            .prepare("SELECT 1 FROM op_result WHERE op_id = ?1")
            .and_then(|mut statement| statement.exists([id]))
            .map_err(|error| error.to_string())?;
        // Between two marks an outcome may have been taken back.
        if !kept.ops.contains_key(id) && !at_hub && known.before.phone.ops.contains_key(id) {
            return Err(format!("operation {id} could be read and is lost"));
        }
    }
    Ok(())
}

/// The hub serves, or says that its database is damaged and what to do; the file stays.
fn hub_tells(world: &World, known: &Known<'_>, outcome: &mut Outcome) -> Verdict {
    let file = world.hub_dir.join(HUB_FILE);
    let before = std::fs::read(&file).ok();
    let clear = |text: &str| -> Verdict {
        let raw = ["malformed", "not a database", "disk I/O error"];
        if raw.iter().any(|raw| text.contains(raw)) && !text.contains("damaged") {
            return Err(format!("not said clearly: {text}"));
        }
        Ok(())
    };
    if let Err(error) = Database::open(&world.hub_dir).map(drop) {
        outcome.refused += 1;
        clear(&error.to_string())?;
        if std::fs::read(&file).ok() != before {
            return Err("a refused database was changed".into());
        }
        return brought_back(world, known);
    }
    for command in [HubCommand::Daily, HubCommand::Publish] {
        if let Err(text) = guarded(|| world.command(&command)) {
            clear(&text)?;
        }
    }
    if world.serve().is_ok() {
        // Whatever the hub answers, the phone keeps what it has.
        let ops = readable_ops(&world.home);
        let app = world.open_phone().map_err(|error| error.to_string())?;
        let _ = app.sync(&Deaf, &Cancel::default());
        drop(app);
        let kept = phone_ledger(&world.home.join(PHONE_FILE)).map_err(|error| error.to_string())?;
        if let Some(lost) = ops.iter().find(|id| !kept.ops.contains_key(*id)) {
            return Err(format!("the phone lost {lost}"));
        }
    }
    if !file.exists() {
        return Err("the database is gone".into());
    }
    Ok(())
}

/// A damaged database is replaced by the backup there is, and kept.
fn brought_back(world: &World, known: &Known<'_>) -> Verdict {
    let Some(backup) = backup_of(known) else {
        return Ok(());
    };
    world
        .command(&HubCommand::Restore(backup.to_owned()))
        .map_err(|error| format!("restore: {error}"))?;
    if names(&world.hub_dir, "hub-before-restore-").is_empty() {
        return Err("the damaged database was not kept".into());
    }
    Database::open(&world.hub_dir)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// A backup that is not whole is refused, and the hub's database stays as it is.
fn bad_backup_changes_nothing(world: &World, known: &Known<'_>) -> Verdict {
    let backup: PathBuf = world.hub_dir.join(backup_of(known).unwrap_or_default());
    let elsewhere = world.hub_dir.join("elsewhere");
    // Not every flipped bit shows: what holds text or numbers carries no check sum.
    if let Err(error) = yaoban_hub::backup::restore(&elsewhere, &backup, 0)
        && !error.to_string().contains("no whole backup")
    {
        return Err(format!("not said clearly: {error}"));
    }
    let _ = std::fs::remove_dir_all(&elsewhere);
    let mut before = known.before.clone();
    before.hub.backups.clear();
    judge_hub(
        world,
        &Known {
            before: &before,
            ..*known
        },
    )
}
