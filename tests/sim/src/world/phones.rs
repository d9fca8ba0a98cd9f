//! What happens on phones: clerks act, rounds run step by step, the app dies and starts again.

use yaoban_clerk_core::sync::event::{Call, Command, Effect, What};
use yaoban_clerk_core::sync::{Options, Pairing, RoundReport, SyncStore as _, wire};
use yaoban_protocol::endpoint::refusal;
use yaoban_protocol::message::{PairReply, PairRequest, TokenRequest};

use super::{HOUR_MS, Happening, Kind, Letter, MINUTE_MS, STORE_MS, TICK_MS, World};
use crate::chain::DAY_MS;
use crate::fault::Fault;
use crate::phone::Round;
use crate::{check, clerk};

impl World {
    pub(super) fn act(&mut self, index: usize) {
        if self.healing.is_on() {
            return;
        }
        self.befall_phone(index);
        let killed = self.faults.fires(Fault::PhoneKilledInStore);
        let mut chance = self.chance.clone();
        let phone = &mut self.phones[index];
        let mut done = clerk::Done::default();
        if killed {
            let steps = self.faults.stream(Fault::PhoneKilledInStore).draw();
            let (ledger, faults) = (&mut self.ledger, &mut self.faults);
            phone.kill_within(steps, |phone| {
                done = clerk::act(phone, ledger, faults, &mut chance);
            });
        } else {
            done = clerk::act(phone, &mut self.ledger, &mut self.faults, &mut chance);
        }
        self.chance = chance;
        let lost = clerk::enter(&mut self.phones[index], &mut self.ledger, done.deeds);
        self.tell(&format!(
            "phone {index} {}{}",
            done.what,
            if killed { ", killed in it" } else { "" }
        ));
        for what in lost {
            self.break_(Kind::Lost, what);
        }
        for (kind, what) in done.violations {
            self.break_(kind, what);
        }
        if killed {
            self.reborn(index);
        }
        let next = self.chance.between(3 * MINUTE_MS, 50 * MINUTE_MS);
        let next = self.open_in(next);
        self.at(next, Happening::Act(index));
    }

    /// What befalls a phone on its own.
    fn befall_phone(&mut self, index: usize) {
        if self.faults.fires(Fault::ClockOff) {
            let days = self.faults.stream(Fault::ClockOff).between(-5, 6);
            self.phones[index].set_clock_off(days * DAY_MS);
            self.tell(&format!("phone {index} clock off by {days} days"));
        }
        if self.faults.fires(Fault::ClockBackwards) {
            let back = self
                .faults
                .stream(Fault::ClockBackwards)
                .between(1_000, 3 * HOUR_MS);
            let off = self.phones[index].clock_off_ms() - back;
            self.phones[index].set_clock_off(off);
            self.tell(&format!("phone {index} clock back by {back} ms"));
        }
        if self.faults.fires(Fault::Offline) {
            let hours = self.faults.stream(Fault::Offline).between(1, 9);
            self.phones[index].offline_until_ms = self.now_ms + hours * HOUR_MS;
            self.tell(&format!("phone {index} offline for {hours} hours"));
        }
        if self.faults.fires(Fault::PhoneDiskFull) {
            self.phones[index].set_disk_full(true);
            self.tell(&format!("phone {index} disk full"));
            self.at(2 * HOUR_MS, Happening::RoomAgain(index));
        }
        if self.faults.fires(Fault::OldSchema) {
            self.phones[index].old_schema = true;
            self.tell(&format!("phone {index} is too old for the hub"));
            self.at(3 * HOUR_MS, Happening::Updated(index));
        }
        if self.faults.fires(Fault::PhoneKilled) {
            self.phones[index].kill();
            self.tell(&format!("phone {index} killed while it idles"));
            self.reborn(index);
        }
    }

    /// After a start of the app.
    fn reborn(&mut self, index: usize) {
        self.phones[index].round = Round::default();
        check::held_rows(self, index);
        let load = self.phones[index].store().clone().state();
        if let Ok(state) = load
            && state.load.is_some()
        {
            self.faults.count(Fault::LoadInterrupted);
        }
        let soon = self.chance.between(10_000, 20 * MINUTE_MS);
        self.at(soon, Happening::Begin(index));
    }

    pub(super) fn begin(&mut self, index: usize, options: Options) {
        if self.phones[index].is_busy() {
            return;
        }
        self.rounds += 1;
        self.healing.round_begins(index);
        self.tell(&format!("phone {index} round begins"));
        let life = self.phones[index].life;
        self.at(TICK_MS, Happening::Tick(index, life));
        self.step(index, What::Begin(options));
    }

    pub(super) fn step(&mut self, index: usize, what: What) {
        let now_ms = self.now_ms;
        for effect in self.phones[index].step(what, now_ms) {
            match effect {
                Effect::Store { id, command } => {
                    self.phones[index].commands.push_back((id, command));
                    let life = self.phones[index].life;
                    self.at(STORE_MS, Happening::Store(index, life));
                }
                Effect::Call {
                    id,
                    call,
                    token,
                    timeout_ms,
                    inflated_bytes_max,
                } => {
                    let letter = wire::request(&call, token, timeout_ms).map(|request| Letter {
                        from: (index, self.phones[index].life),
                        id: Some(id),
                        call,
                        request,
                        inflated_bytes_max,
                        until_ms: now_ms + timeout_ms as i64,
                    });
                    match letter {
                        Ok(letter) => self.send(letter),
                        Err(failure) => {
                            self.break_(Kind::Violation, format!("a request cannot be made: {failure:?}"));
                        }
                    }
                }
                Effect::CancelCalls | Effect::Progress(_) => {}
                Effect::Finished(report) => self.finished(index, *report),
            }
        }
    }

    pub(super) fn carry_out(&mut self, index: usize, life: u32) {
        if self.phones[index].life != life {
            return;
        }
        if self.faults.fires(Fault::PhoneKilled) {
            let after = self.faults.stream(Fault::PhoneKilled).once_in(2);
            if after {
                self.phones[index].carry_out();
            }
            self.tell(&format!(
                "phone {index} killed between two steps{}",
                if after { ", after one" } else { "" }
            ));
            self.phones[index].kill();
            return self.reborn(index);
        }
        if self.faults.fires(Fault::PhoneKilledInStore) {
            let steps = self.faults.stream(Fault::PhoneKilledInStore).draw();
            let command = self.phones[index]
                .commands
                .front()
                .map(|(_, command)| name(command));
            self.phones[index].kill_within(steps, |phone| {
                phone.carry_out();
            });
            self.tell(&format!("phone {index} killed in {command:?}"));
            return self.reborn(index);
        }
        let command = self.phones[index]
            .commands
            .front()
            .map(|(_, command)| name(command));
        let Some((id, result)) = self.phones[index].carry_out() else {
            return;
        };
        let shown = match &result {
            Ok(_) => "ok".to_owned(),
            Err(failure) => failure.code.clone(),
        };
        self.tell(&format!(
            "phone {index} store {}: {shown}",
            command.as_deref().unwrap_or_default()
        ));
        if command.as_deref() == Some("ApplyPull") {
            check::effects_are_here(self, index);
        }
        self.step(index, What::Stored { id, result });
    }

    fn finished(&mut self, index: usize, report: RoundReport) {
        let problem = report.first_problem().map(|problem| problem.code.clone());
        self.tell(&format!(
            "phone {index} round ended up_to_date={} pulled={} pushed={} rejected={} parked={} problem={problem:?}",
            report.up_to_date, report.pulled_rows, report.pushed_ops, report.rejected_ops, report.parked_ops
        ));
        self.phones[index].round_ended(&report);
        if report.repaired_ranges > 0 {
            // Nothing harms a phone's rows here: what a repair mends went wrong on the ordinary way.
            let what = format!("phone {index} had to repair {} ranges", report.repaired_ranges);
            self.break_(Kind::Violation, what);
        }
        check::held_rows(self, index);
        if self.healing.is_on() {
            if check::is_level(self, index) {
                self.healing.is_level(index);
            }
            self.reports.insert(index, report);
            return;
        }
        let delay = i64::try_from(report.next_delay_ms).unwrap_or(HOUR_MS);
        let next = self.chance.between(10 * MINUTE_MS, 80 * MINUTE_MS).max(delay);
        let next = self.open_in(next);
        self.at(next, Happening::Begin(index));
    }

    pub(super) fn pair(&mut self, index: usize) {
        if self.is_welcome(index) {
            return;
        }
        let store_id = self.phones[index].store_id.clone();
        let code = self.chain.pair_code(&store_id, self.now_ms);
        let paired = code.is_some_and(|secret| self.pair_by(index, secret));
        self.tell(&format!("phone {index} paired={paired}"));
        if paired {
            self.healing.paired(index);
        }
        let next = if paired { 5_000 } else { HOUR_MS };
        let happening = if paired {
            Happening::Begin(index)
        } else {
            Happening::Pair(index)
        };
        self.at(next, happening);
    }

    /// The phone has a pairing that the hub knows, as far as can be told now.
    fn is_welcome(&self, index: usize) -> bool {
        let state = self.phones[index].store().clone().state().unwrap_or_default();
        let Some(pairing) = state.pairing.filter(|_| state.locked.is_none()) else {
            return false;
        };
        let call = Call::Token(TokenRequest {
            device_id: pairing.device_id,
            refresh_secret: pairing.refresh_secret,
        });
        let Ok(request) = wire::request(&call, None, 1_000) else {
            return false;
        };
        let answer = wire::answer(&call, &self.chain.exchange(request), 1 << 20);
        answer
            .err()
            .is_none_or(|failure| failure.code != refusal::DEVICE_UNKNOWN)
    }

    fn pair_by(&mut self, index: usize, secret: String) -> bool {
        let request = PairRequest {
            secret,
            device_name: format!("手机{index}"),
        };
        let Ok(request) = wire::pair_request(&request) else {
            return false;
        };
        let Ok(reply) = wire::pair_reply::<PairReply>(&self.chain.exchange(request)) else {
            return false;
        };
        let pairing = Pairing {
            url: "https://hub.example".into(),
            fingerprint: "00".repeat(32),
            device_id: reply.device_id,
            refresh_secret: reply.refresh_secret,
            chain_name: reply.chain_name,
            store_id: reply.store_id,
            store_name: reply.store_name,
            staff_id: reply.staff_id,
        };
        self.phones[index].store().clone().save_pairing(&pairing).is_ok()
    }
}

fn name(command: &Command) -> String {
    let text = format!("{command:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
