//! The phone itself: pairing, sync, who uses it, how it stands.

use std::io::{IsTerminal as _, Write as _};

use yaoban_clerk_core::sync::{Cancel, Progress, Stage, SyncListener};

use super::Session;
use crate::cli::{PairArgs, StaffArgs};
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::text::Texts;

pub fn pair(session: &Session<'_>, args: &PairArgs) -> Result<String, Failure> {
    let paired = session.app.pair(&args.code, &args.name)?;
    session.print(&paired, |screen, paired| {
        screen.say(
            "pair.done",
            &[("chain", &paired.chain_name), ("store", &paired.store_name)],
        );
        screen.next("pair.next", &[]);
    })
}

pub fn sync(session: &Session<'_>) -> Result<String, Failure> {
    let report = session.app.sync(&Shown::new(session.texts), &Cancel::default())?;
    let members = session.app.status()?.members;
    session.print(&report, |screen, report| {
        if report.loaded_scopes > 0 {
            screen.say("sync.loaded", &[("n", &members)]);
        }
        screen.say(
            "sync.done",
            &[("down", &report.pulled_rows), ("up", &report.pushed_ops)],
        );
        if !report.up_to_date {
            screen.say("sync.behind", &[]);
        }
        if report.rejected_ops > 0 {
            let text = screen.texts.fill("sync.rejected", &[("n", &report.rejected_ops)]);
            screen.line(screen.danger(&text));
        }
    })
}

/// Shows how a round goes, on one line of the terminal.
struct Shown<'t> {
    texts: &'t Texts,
    terminal: bool,
}

impl<'t> Shown<'t> {
    fn new(texts: &'t Texts) -> Self {
        Self {
            texts,
            terminal: std::io::stderr().is_terminal(),
        }
    }
}

impl SyncListener for Shown<'_> {
    fn progress(&self, progress: Progress) {
        if !self.terminal {
            return;
        }
        let key = match progress.stage {
            Stage::Connecting => "sync.connecting",
            Stage::Loading => "sync.loading",
            Stage::Indexing => "sync.indexing",
            Stage::Pulling => "sync.pulling",
            Stage::Pushing => "sync.pushing",
            Stage::Checking => "sync.checking",
        };
        let text = self
            .texts
            .fill(key, &[("done", &progress.done), ("total", &progress.total)]);
        let mut stderr = std::io::stderr();
        // What cannot be shown is no reason to stop.
        let _ = write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush());
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if self.terminal {
            eprint!("\r\u{1b}[K");
        }
    }
}

pub fn staff(session: &Session<'_>, args: &StaffArgs) -> Result<String, Failure> {
    if let Some(who) = &args.who {
        let staff_id = staff_id(session, who)?;
        if args.off || args.back {
            session
                .app
                .mark_off(&staff_id, args.off.then_some(session.today))?;
        } else {
            let old = args.pin.as_deref();
            if let Some(new) = &args.set_pin {
                session.app.set_pin(&staff_id, old, new)?;
            }
            session
                .app
                .switch_staff(&staff_id, args.set_pin.as_deref().or(old))?;
        }
    }
    let rows = session.app.staff()?;
    session.print(&rows, |screen, rows| {
        let words = ["staff.who", "staff.id", "staff.role", "staff.open"].map(|key| screen.texts.get(key));
        let mut table = Table::new(words);
        for row in rows {
            let mark = if row.current { "→ " } else { "  " };
            let off = if row.off_today {
                screen.texts.get("staff.off")
            } else {
                ""
            };
            let role = screen.texts.code("role", &row.role);
            let pharmacist = if row.pharmacist {
                screen.texts.get("staff.pharmacist")
            } else {
                ""
            };
            table.row([
                format!("{mark}{}{off}", row.name),
                row.staff_id.clone(),
                format!("{role}{pharmacist}"),
                row.open_tasks.to_string(),
            ]);
        }
        screen.table(&table);
        if !rows.iter().any(|row| row.current) {
            screen.next("staff.next", &[]);
        }
    })
}

/// The id of a member of staff, by id or by name.
pub fn staff_id(session: &Session<'_>, who: &str) -> Result<String, Failure> {
    let rows = session.app.staff()?;
    let mut fits = rows
        .into_iter()
        .filter(|row| row.staff_id == who || row.name == who);
    match (fits.next(), fits.next()) {
        (Some(row), None) => Ok(row.staff_id),
        _ => Err(Failure::refused("staff", [("who", who)])),
    }
}

pub fn status(session: &Session<'_>) -> Result<String, Failure> {
    let status = session.app.status()?;
    let last = status
        .last_sync_ms
        .map(|at_ms| session.app.local(at_ms).format("%m-%d %H:%M").to_string());
    session.print(&status, |screen, status| {
        if !status.paired {
            screen.say("status.unpaired", &[]);
            return;
        }
        let texts = screen.texts;
        screen.say(
            "status.hub",
            &[
                ("chain", &status.chain_name),
                ("store", &status.store_name),
                ("url", &status.hub_url),
            ],
        );
        if let Some(reason) = &status.locked {
            screen.line(screen.danger(&texts.fill("status.locked", &[("reason", reason)])));
        }
        if status.set_aside.is_some() {
            screen.line(screen.danger(&texts.fill("status.set_aside", &[("n", &status.salvaged_ops)])));
        }
        let last = last.unwrap_or_else(|| texts.get("none").to_owned());
        let size = status.file_bytes.div_ceil(1_000_000);
        screen.say(
            "status.last",
            &[("when", &last), ("members", &status.members), ("size", &size)],
        );
        if status.outbox > 0 {
            screen.say("status.outbox", &[("n", &status.outbox)]);
            screen.next("status.next", &[]);
        } else {
            screen.say("status.nothing", &[]);
        }
        for stuck in &status.stuck {
            let why = stuck
                .reason
                .as_ref()
                .map(|code| reason(texts, code, &stuck.values))
                .unwrap_or_default();
            let op = texts.code("op", &stuck.op);
            let who = stuck.member_name.as_deref().unwrap_or_default();
            let text = texts.fill("status.stuck", &[("op", &op), ("who", &who), ("why", &why)]);
            screen.line(screen.danger(&text));
        }
    })
}
