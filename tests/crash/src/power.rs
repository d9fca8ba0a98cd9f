//! The power cut at every step of a recorded day.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::day::{Day, Mark, scratch};
use crate::disk::{Contents, Cut, Disk, lay_out};
use crate::trace::Step;
use crate::verdict::{Known, guarded, judge};
use crate::world::World;

/// Whose power fails. The other side goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The phone's.
    Phone,
    /// The hub's.
    Hub,
}

/// A power cut after a step.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Steps that were done.
    pub steps: usize,
    /// Whose power fails.
    pub side: Side,
    /// What of the unsynced is kept.
    pub cut: Cut,
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{:?}/{}", self.steps, self.side, self.cut)
    }
}

/// What came of all points.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Points that were looked at.
    pub points: usize,
    /// Of these, points whose disks had been looked at before with nothing else known: they hold as
    /// those did.
    pub same: usize,
    /// What did not hold, by point.
    pub violations: Vec<String>,
}

/// Every step of a day, cut every way.
pub fn every_step(day: &Day, seed: u64) -> Vec<Point> {
    points(day, seed, |_, _| true)
}

/// Every change of names, and one in `part` of the other steps, from `seed` on.
pub fn some_steps(day: &Day, seed: u64, part: usize) -> Vec<Point> {
    points(day, seed, |at, step| {
        let names = !matches!(step, Step::Write { .. } | Step::SyncFile { .. });
        names || at % part == seed as usize % part
    })
}

fn points(day: &Day, seed: u64, wanted: impl Fn(usize, &Step) -> bool) -> Vec<Point> {
    let mut points = Vec::new();
    for (at, step) in day.steps.iter().enumerate() {
        let Some(side) = side_of(day, at, step).filter(|_| at >= day.from && wanted(at, step)) else {
            continue;
        };
        let cuts = [
            Cut::Lost,
            Cut::Kept,
            Cut::NamesOnly,
            Cut::Torn(seed),
            Cut::Mixed(seed),
        ];
        points.extend(cuts.map(|cut| Point {
            steps: at + 1,
            side,
            cut,
        }));
    }
    points
}

/// Whose disk a step asks.
fn side_of(day: &Day, at: usize, step: &Step) -> Option<Side> {
    let path = match step {
        Step::Create { path, .. }
        | Step::SyncDirectory { path }
        | Step::Remove { path }
        | Step::MakeDirectory { path }
        | Step::RemoveDirectory { path } => path.as_str(),
        Step::Link { from, .. } | Step::Rename { from, .. } => from.as_str(),
        Step::Write { file, .. } | Step::Truncate { file, .. } | Step::SyncFile { file } => {
            day.steps[..at].iter().find_map(|step| match step {
                Step::Create { file: made, path } if made == file => Some(path.as_str()),
                _ => None,
            })?
        }
        Step::Mark { .. } => return None,
    };
    Some(if path.starts_with(&day.home_root) {
        Side::Phone
    } else {
        Side::Hub
    })
}

/// What was known after so many steps.
pub(crate) fn known(marks: &[Mark], steps: usize) -> Known<'_> {
    let done = marks.iter().take_while(|mark| mark.at < steps).count();
    Known {
        before: &marks[done.saturating_sub(1)],
        under_way: marks.get(done),
    }
}

fn digest(hub: &Contents, home: &Contents, known: &Known<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    hub.hash(&mut hasher);
    home.hash(&mut hasher);
    known.before.at.hash(&mut hasher);
    hasher.finish()
}

/// Cuts the power at every point, on as many threads as told; `tell` hears how far it is.
pub fn cut_all(day: &Day, points: &[Point], threads: usize, tell: &(dyn Fn(usize) + Sync)) -> Outcome {
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(HashSet::new());
    let outcome = Mutex::new(Outcome {
        points: points.len(),
        ..Outcome::default()
    });
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut disk = Disk::new(&day.steps);
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(point) = points.get(at) else { return };
                    disk.advance_to(point.steps);
                    let new = |digest| seen.lock().expect("no panic under it").insert(digest);
                    match cut(day, &disk, *point, new) {
                        Ok(true) => {}
                        Ok(false) => outcome.lock().expect("no panic under it").same += 1,
                        Err(violation) => outcome
                            .lock()
                            .expect("no panic under it")
                            .violations
                            .push(violation),
                    }
                    tell(at + 1);
                }
            });
        }
    });
    outcome.into_inner().expect("no panic under it")
}

/// Cuts the power at one point and judges; false if these disks were judged before.
fn cut(day: &Day, disk: &Disk<'_>, point: Point, new: impl FnOnce(u64) -> bool) -> Result<bool, String> {
    let cut_of = |side| if side == point.side { point.cut } else { Cut::Kept };
    let hub = disk.after(cut_of(Side::Hub), &day.hub_root);
    let home = disk.after(cut_of(Side::Phone), &day.home_root);
    let known = known(&day.marks, point.steps);
    if !new(digest(&hub, &home, &known)) {
        return Ok(false);
    }
    let folder = scratch();
    let (hub_dir, home_dir) = (folder.path().join("hub"), folder.path().join("home"));
    lay_out(&hub, &day.hub_root, &hub_dir);
    lay_out(&home, &day.home_root, &home_dir);
    let world = World::at(&hub_dir, &home_dir, known.before.now_ms);
    let verdict = guarded(|| judge(&world, &known));
    verdict.map(|()| true).map_err(|error| {
        let under_way = known.under_way.map_or("the end", |mark| mark.name);
        format!(
            "point {point} ({}, during \"{under_way}\"): {error}",
            describe(&day.steps[point.steps - 1])
        )
    })
}

/// A step in a few words.
fn describe(step: &Step) -> String {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    match step {
        Step::Create { path, .. } => format!("create {}", name(path)),
        Step::Write { file, at, bytes } => format!("write {} bytes at {at} of #{file}", bytes.len()),
        Step::Truncate { file, length } => format!("truncate #{file} to {length}"),
        Step::SyncFile { file } => format!("sync #{file}"),
        Step::SyncDirectory { path } => format!("sync directory {}", name(path)),
        Step::Link { from, to } => format!("link {} to {}", name(from), name(to)),
        Step::Rename { from, to } => format!("rename {} to {}", name(from), name(to)),
        Step::Remove { path } => format!("remove {}", name(path)),
        Step::MakeDirectory { path } => format!("make directory {}", name(path)),
        Step::RemoveDirectory { path } => format!("remove directory {}", name(path)),
        Step::Mark { mark } => format!("mark {mark}"),
    }
}
