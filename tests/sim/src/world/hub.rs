//! What happens at the hub: headquarters' work, backups, restores, a hundred days of absence.

use yaoban_clerk_core::sync::SyncStore as _;

use super::{HOUR_MS, Happening, World};
use crate::chain::DAY_MS;
use crate::fault::Fault;
use crate::headquarters;

impl World {
    pub(super) fn befall_hub_at_call(&mut self, index: usize) {
        if self.faults.fires(Fault::DeviceRevoked) {
            let state = self.phones[index].store().clone().state();
            if let Some(pairing) = state.ok().and_then(|state| state.pairing) {
                let now_ms = self.now_ms;
                self.chain
                    .write(|tx| tx.revoke_device(&pairing.device_id, now_ms));
                self.ledger.happened += 1;
                self.tell(&format!("phone {index} revoked"));
                self.at(2 * HOUR_MS, Happening::Pair(index));
            }
        }
    }

    pub(super) fn headquarters(&mut self) {
        headquarters::act(self);
        if self.faults.fires(Fault::HubDiskFull) {
            self.chain.set_disk_full(true);
            self.tell("hub disk full");
            self.at(HOUR_MS, Happening::HubRoomAgain);
        }
        if self.chance.once_in(4) {
            let at = self.ledger.happened;
            self.chain.backup(at);
            self.tell("backup");
        } else if !self.chain.backups.is_empty() && self.faults.fires(Fault::HubRestored) {
            let stream = self.faults.stream(Fault::HubRestored);
            let Some(backup) = stream.pick(&self.chain.backups).cloned() else {
                return;
            };
            self.chain.restore(&backup, self.now_ms);
            self.ledger.restored(backup.at);
            self.ledger.happened += 1;
            self.tell(&format!("hub restored to {}", backup.at));
            // Devices that were paired since are strangers to the hub.
            for index in 0..self.phones.len() {
                self.at(2 * HOUR_MS, Happening::Pair(index));
            }
        }
    }

    /// The hub's disk has room again, and what found none is run again.
    pub(super) fn room_at_hub(&mut self) {
        self.chain.set_disk_full(false);
        let files = self.chain.import_again();
        if files > 0 {
            self.tell(&format!("headquarters import {files} files again"));
        }
    }

    /// Everybody is away for a hundred days; the hub goes on alone.
    pub(super) fn maybe_go_away(&mut self) {
        if self.away || !self.faults.fires(Fault::LongAway) {
            return;
        }
        self.away = true;
        // Something leaves a scope that no phone has heard of.
        headquarters::move_someone(self);
        self.tell("everybody away for 100 days");
        let queue = std::mem::take(&mut self.queue);
        self.queue = queue
            .into_iter()
            .map(|((at, serial), happening)| ((at + 100 * DAY_MS, serial), happening))
            .collect();
        // Backups this old are not kept, and phones keep what they sent for 35 days.
        self.chain.backups.clear();
        for day in [30, 60, 91, 99] {
            let then = self.now_ms + day * DAY_MS;
            self.chain.set_clock(then);
            self.chain.daily(then);
        }
        self.now_ms += 100 * DAY_MS;
        self.chain.set_clock(self.now_ms);
    }
}
