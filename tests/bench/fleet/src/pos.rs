//! Cash registers: every store delivers its sales once an hour, the stores one after another, so
//! that at any time some of them do. Real import processes, beside the serving hub.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::plan::Plan;

/// A file is imported this often.
const EVERY: Duration = Duration::from_secs(20);
/// Each store delivers this often.
const DELIVERY: Duration = Duration::from_hours(1);
/// Receipts of members in one delivery of one store: 60 in a day of 12 hours.
const RECEIPTS: u64 = 5;
/// Lines of a receipt, at most; on average half of it and a half.
const LINES_MAX: u64 = 4;

/// How registers deliver.
#[derive(Debug, Clone)]
pub struct Registers {
    /// The hub's program.
    pub hub: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// The core on which imports run: the hub's.
    pub core: Option<usize>,
}

/// What was delivered so far.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Lines.
    pub lines: AtomicU64,
    /// Files.
    pub files: AtomicU64,
    /// Imports that failed.
    pub failures: AtomicU64,
}

/// The thread that delivers. Ends when `stop` is set.
pub fn start(
    registers: Registers,
    plan: &Plan,
    stop: Arc<AtomicBool>,
    delivered: Arc<Delivered>,
) -> JoinHandle<()> {
    let stores: Vec<(String, Vec<String>)> = plan
        .stores
        .iter()
        .map(|store| (store.store_id.clone(), store.members.clone()))
        .collect();
    std::thread::spawn(move || {
        let mut chance = Chance::new(7, 0);
        let (each, mut store, mut turn) = (stores_a_file(stores.len()), 0, 0_u64);
        let began = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let batch: Vec<&(String, Vec<String>)> =
                (0..each).map(|i| &stores[(store + i) % stores.len()]).collect();
            store = (store + each) % stores.len();
            let (text, lines) = file(&batch, turn, &mut chance);
            let path = registers.data.join(format!("fleet-pos-{turn}.csv"));
            let done = std::fs::write(&path, text).is_ok() && import(&registers, &path);
            // Nothing depends on its removal: the folder is the bench's own.
            let _ = std::fs::remove_file(&path);
            delivered.files.fetch_add(1, Ordering::Relaxed);
            delivered.lines.fetch_add(lines, Ordering::Relaxed);
            delivered.failures.fetch_add(u64::from(!done), Ordering::Relaxed);
            turn += 1;
            let next = EVERY * u32::try_from(turn).unwrap_or(u32::MAX);
            while began.elapsed() < next && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    })
}

fn stores_a_file(stores: usize) -> usize {
    (stores * EVERY.as_secs() as usize).div_ceil(DELIVERY.as_secs() as usize)
}

fn file(stores: &[&(String, Vec<String>)], turn: u64, chance: &mut Chance) -> (String, u64) {
    let mut text = "line_id,member_id,store_id,sold_at,drug_id,quantity,amount,cost\n".to_owned();
    let stamp = crate::phone::wall_ms();
    let sold_at = chrono::DateTime::from_timestamp_millis(stamp + 8 * 3_600_000)
        .unwrap_or_default()
        .format("%Y-%m-%d %H:%M:%S");
    let mut line = 0;
    for (store_id, members) in stores {
        for _ in 0..RECEIPTS {
            let Some(member) = members.get(chance.below(members.len() as u64) as usize) else {
                continue;
            };
            for _ in 0..=chance.below(LINES_MAX) {
                line += 1;
                let drug = chance.below(150);
                // Text in memory takes everything.
                let _ = writeln!(
                    text,
                    "F{stamp}-{turn}-{line},{member},{store_id},{sold_at},D{drug:04},1,{}.50,{}.00",
                    20 + drug % 40,
                    10 + drug % 20
                );
            }
        }
    }
    (text, line)
}

fn import(registers: &Registers, path: &Path) -> bool {
    let mut command = match registers.core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(&registers.hub);
            command
        }
        None => Command::new(&registers.hub),
    };
    command
        .arg("import")
        .arg("--data")
        .arg(&registers.data)
        .arg("--purchases")
        .arg(path);
    match command.output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!(
                "fleet: an import failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            false
        }
        Err(error) => {
            eprintln!("fleet: an import did not start: {error}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_its_part_of_an_hour() {
        assert_eq!(stores_a_file(10_000), 56);
        let store = ("S1".to_owned(), vec!["V1".to_owned()]);
        let (text, lines) = file(&[&store], 0, &mut Chance::new(1, 1));
        assert_eq!(text.lines().count() as u64, lines + 1);
        assert!((5..=20).contains(&lines), "{lines}");
    }
}
