//! The end: nothing goes wrong any more, and everything must come together.

use std::collections::BTreeMap;

use yaoban_clerk_core::sync::{Options, RoundReport};

use super::{HAPPENINGS_MAX, Kind, Outcome, World};
use crate::check;

/// Sweeps over all phones within which everything must have come together: an operation over which the hub stumbles takes five rounds, and a phone may hold a few.
const SWEEPS_MAX: u32 = 24;

/// How the phones come level with the hub.
#[derive(Debug, Default)]
pub(super) struct Healing {
    phones: Vec<Behind>,
}

/// One phone: rounds since everything is well and it is paired, and how many it took.
#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    rounds: u32,
    level_after: Option<u32>,
}

impl Healing {
    /// Whether the end has begun.
    pub(super) fn is_on(&self) -> bool {
        !self.phones.is_empty()
    }

    /// A round begins.
    pub(super) fn round_begins(&mut self, index: usize) {
        if let Some(phone) = self.phones.get_mut(index) {
            phone.rounds += 1;
        }
    }

    /// Somebody paired the phone anew: before that no round could bring it anything.
    pub(super) fn paired(&mut self, index: usize) {
        if let Some(phone) = self.phones.get_mut(index) {
            phone.rounds = 0;
        }
    }

    /// The phone is level with the hub.
    pub(super) fn is_level(&mut self, index: usize) {
        if let Some(phone) = self.phones.get_mut(index) {
            phone.level_after.get_or_insert(phone.rounds);
        }
    }

    /// Rounds that phones took which were behind.
    pub(super) fn rounds_to_level(&self) -> Vec<u32> {
        self.phones
            .iter()
            .filter_map(|phone| phone.level_after.filter(|rounds| *rounds > 0))
            .collect()
    }
}

impl World {
    /// Nothing goes wrong any more: everything must come together.
    pub(super) fn heal(mut self) -> Outcome {
        self.tell("calm");
        self.healing.phones = vec![Behind::default(); self.phones.len()];
        self.faults.calm = true;
        self.room_at_hub();
        for index in 0..self.phones.len() {
            let phone = &mut self.phones[index];
            phone.offline_until_ms = 0;
            phone.old_schema = false;
            phone.set_clock_off(0);
            phone.set_disk_full(false);
        }
        for index in 0..self.phones.len() {
            if check::is_level(&self, index) {
                self.healing.is_level(index);
            }
        }
        self.drain();
        let mut sweeps = 0;
        while self.broken.is_empty() {
            sweeps += 1;
            if self.sweep(Options::default()) {
                break;
            }
            if sweeps == SWEEPS_MAX {
                let reports = format!("{:?}", self.reports);
                self.break_(
                    Kind::Wedged,
                    format!("not healed after {sweeps} sweeps: {reports}"),
                );
            }
        }
        if self.broken.is_empty() {
            self.sweep(Options { repair: true });
            check::repaired(&mut self);
            check::everything(&mut self);
        }
        self.outcome(sweeps)
    }

    /// One round of each phone. True if there was nothing left to do.
    fn sweep(&mut self, options: Options) -> bool {
        let mut quiet = true;
        for index in 0..self.phones.len() {
            self.reports.remove(&index);
            self.pair(index);
            self.drain();
            if !self.reports.contains_key(&index) || options.repair {
                self.reports.remove(&index);
                self.begin(index, options);
                self.drain();
            }
            let waiting = check::under_way(&self.phones[index]);
            quiet &= waiting == 0
                && self.reports.get(&index).is_some_and(|report| {
                    report.first_problem().is_none()
                        && report.up_to_date
                        && report.pulled_rows == 0
                        && report.pushed_ops == 0
                        && report.loaded_scopes.is_empty()
                });
        }
        quiet
    }

    /// Lets everything happen that is under way.
    fn drain(&mut self) {
        let mut count = 0;
        while let Some(((at_ms, _), happening)) = self.queue.pop_first() {
            count += 1;
            if count > HAPPENINGS_MAX {
                return self.break_(Kind::Wedged, "a round does not come to its end".into());
            }
            self.happen(at_ms, happening);
            if !self.broken.is_empty() {
                return;
            }
        }
    }

    /// The last answers of the phones.
    pub fn reports(&self) -> &BTreeMap<usize, RoundReport> {
        &self.reports
    }
}
