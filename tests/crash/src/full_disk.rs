//! No room on the disk, from every step on that needs some: a clear error, nothing lost, and once there
//! is room again everything works.

use std::collections::BTreeSet;

use yaoban_clerk_core::facade::ClerkApp;

use crate::day::{Day, Mark, PhoneLedger, hub_ledger, phone_ledger, scratch};
use crate::disk::{Cut, Disk, lay_out};
use crate::power::Side;
use crate::trace::Recording;
use crate::verdict::{Known, Verdict, come_together, did_each_once, guarded, judge_hub, judge_phone};
use crate::world::{PHONE_FILE, World};

/// Steps of one thing done at most; more would mean that it never ends.
const STEPS_MAX: u64 = 100_000;

/// What a phone hears from a hub whose disk is full.
const HUB_IS_FULL: [&str; 1] = ["busy"];

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Disks that were full at a step that needed room.
    pub points: usize,
    /// What did not hold.
    pub violations: Vec<String>,
}

/// Fills the disk of one side during everything that was done in the day, at one step in `part` that needs
/// room, the first one and then every `part`-th.
pub fn fill_all(day: &Day, side: Side, part: u64, tell: &dyn Fn(usize)) -> Outcome {
    let mut outcome = Outcome::default();
    let mut disk = Disk::new(&day.steps);
    for pair in day.marks.windows(2) {
        let [before, after] = pair else { continue };
        // What a person asks a hub or a phone for is seen to; what opens them is not asked again here.
        let asked = match side {
            Side::Phone => after.act.is_some(),
            Side::Hub => after.command.is_some() || after.act.is_some() && after.asks_hub,
        };
        disk.advance_to(before.at + 1);
        if !asked {
            continue;
        }
        for steps in (0..STEPS_MAX).step_by(part as usize) {
            let found = guarded(|| fill(day, &disk, side, before, after, steps));
            match found {
                Ok(true) => outcome.points += 1,
                Ok(false) => break,
                Err(error) => {
                    outcome.points += 1;
                    outcome.violations.push(format!(
                        "{side:?}'s disk full after {steps} steps of \"{}\": {error}",
                        after.name
                    ));
                }
            }
            tell(outcome.points);
        }
    }
    outcome
}

/// Does one thing while the disk fills; false if it never needed the room that was not there.
fn fill(
    day: &Day,
    disk: &Disk<'_>,
    side: Side,
    before: &Mark,
    after: &Mark,
    steps: u64,
) -> Result<bool, String> {
    let folder = scratch();
    let (hub_dir, home) = (folder.path().join("hub"), folder.path().join("home"));
    lay_out(&disk.after(Cut::Kept, &day.hub_root), &day.hub_root, &hub_dir);
    lay_out(&disk.after(Cut::Kept, &day.home_root), &day.home_root, &home);
    let world = World::at(&hub_dir, &home, before.now_ms);
    if before.serves {
        world.serve()?;
    }
    let app = match after.act {
        Some(_) => Some(world.open_phone().map_err(|error| error.to_string())?),
        None => None,
    };
    if after.name == "pair" {
        world.keep_code();
    }
    let recording = Recording::of_faults(if side == Side::Phone { &home } else { &hub_dir });
    recording.fill_disk(if side == Side::Phone { &home } else { &hub_dir }, steps);
    let done = once(&world, app.as_ref(), after);
    let met = recording.make_room();
    drop(recording);
    if let Err((code, text)) = &done {
        if !met {
            return Err(format!("with room enough: {text}"));
        }
        // A phone hears from a hub without room only that it is to come back later.
        let clear = match (side, after.act) {
            (Side::Phone, _) => code == "disk_full",
            (Side::Hub, None) => ["is full", "No space left", "has room"]
                .iter()
                .any(|words| text.contains(words)),
            (Side::Hub, Some(_)) => HUB_IS_FULL.contains(&code.as_str()),
        };
        if !clear {
            return Err(format!("not said clearly: {code}: {text}"));
        }
        once(&world, app.as_ref(), after).map_err(|(_, text)| format!("with room again: {text}"))?;
    }
    if let Some(app) = &app {
        let found = phone_ledger(&home.join(PHONE_FILE)).map_err(|error| error.to_string())?;
        as_many(&found, &before.phone, &after.phone)?;
        let _: &ClerkApp = app;
    } else {
        let found = hub_ledger(&world, Vec::new());
        if found.figures != after.hub.figures || found.tasks != after.hub.tasks {
            return Err("figures or tasks are others".into());
        }
    }
    drop(app);
    world.stop();
    let known = Known {
        before,
        under_way: None,
    };
    if after.act.is_some() {
        let app = judge_phone(&world, None)?;
        come_together(&world, &app, &known)?;
        did_each_once(&world)?;
    } else {
        judge_hub(
            &world,
            &Known {
                before: after,
                under_way: None,
            },
        )?;
    }
    Ok(met)
}

/// Does what was done in the day once more: the error's code and text if it is refused.
fn once(world: &World, app: Option<&ClerkApp>, mark: &Mark) -> Result<(), (String, String)> {
    if let (Some(act), Some(app)) = (mark.act, app) {
        act(world, app).map_err(|error| (error.code().to_owned(), error.to_string()))?;
    }
    if let Some(command) = &mark.command {
        crate::verdict::finish(world, command).map_err(|text| ("refused".to_owned(), text))?;
    }
    Ok(())
}

/// All operations from before are there, and as many in all as the day had then: none twice.
fn as_many(found: &PhoneLedger, before: &PhoneLedger, after: &PhoneLedger) -> Verdict {
    let ids = |ledger: &PhoneLedger| ledger.ops.keys().cloned().collect::<BTreeSet<_>>();
    let gone: BTreeSet<_> = ids(before).difference(&ids(after)).cloned().collect();
    if let Some(lost) = ids(before).difference(&ids(found)).find(|id| !gone.contains(*id)) {
        return Err(format!("operation {lost} is lost"));
    }
    if found.ops.len() != after.ops.len() {
        return Err(format!(
            "{} operations instead of {}",
            found.ops.len(),
            after.ops.len()
        ));
    }
    Ok(())
}
