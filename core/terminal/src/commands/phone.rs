//! The phone itself: pairing, sync, who uses it, how it stands.

use std::io::{IsTerminal as _, Write as _};

use yaoban_clerk_core::facade::staff::StaffRow;
use yaoban_clerk_core::facade::{Status, StuckOp};
use yaoban_clerk_core::sync::{Cancel, Progress, Stage, SyncListener};

use super::Session;
use crate::cli::{PairArgs, StaffArgs, StatusArgs, UnpairArgs};
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::Screen;
use crate::text::Texts;
use crate::vault::FileVault;

pub fn pair(session: &Session<'_>, args: &PairArgs) -> Result<String, Failure> {
    let paired = session.app.pair(&args.code, &args.name)?;
    session.print(&paired, |screen, paired| {
        let place = place(&paired.chain_name, &paired.store_name);
        screen.say("pair.done", &[("place", &place)]);
        screen.next("pair.next", &[]);
    })
}

/// Chain and store in one name: many stores carry the chain's name in theirs.
fn place(chain: &str, store: &str) -> String {
    if store.starts_with(chain) {
        store.to_owned()
    } else {
        format!("{chain} {store}").trim().to_owned()
    }
}

pub fn sync(session: &Session<'_>) -> Result<String, Failure> {
    let report = session.app.sync(&Shown::new(session.texts), &Cancel::default())?;
    let status = session.app.status()?;
    session.print(&report, |screen, report| {
        if report.loaded_scopes > 0 {
            screen.say("sync.loaded", &[("n", &status.members)]);
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
        if status.staff_id.is_none() {
            screen.next("sync.staff_next", &[]);
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
    let done = match &args.who {
        Some(who) => Some(change_staff(session, args, &staff_row(session, who)?)?),
        None => None,
    };
    let rows = session.app.staff()?;
    session.print(&rows, |screen, rows| {
        if let Some((key, name)) = &done {
            screen.say(key, &[("name", name)]);
        }
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
        if rows.is_empty() {
            screen.next("staff.empty_next", &[]);
        } else if !rows.iter().any(|row| row.current) {
            screen.next("staff.next", &[]);
        } else if done.as_ref().is_some_and(|(key, _)| SIGNED_IN.contains(key)) {
            screen.next("staff.tasks_next", &[]);
        }
    })
}

/// Texts after which somebody begins to work.
const SIGNED_IN: [&str; 3] = ["staff.uses", "staff.pin_set", "staff.no_pin"];

/// Signs somebody in or marks it off. Gives the text of what was done, and whose name stands in it.
fn change_staff(
    session: &Session<'_>,
    args: &StaffArgs,
    row: &StaffRow,
) -> Result<(&'static str, String), Failure> {
    let name = row.name.clone();
    if args.off || args.back {
        let on = args.off.then_some(session.today);
        session.app.mark_off(&row.staff_id, on)?;
        return Ok((
            if args.off {
                "staff.marked_off"
            } else {
                "staff.is_back"
            },
            name,
        ));
    }
    let old = args.pin.as_deref();
    if let Some(new) = &args.set_pin {
        session.app.set_pin(&row.staff_id, old, new)?;
    }
    session
        .app
        .switch_staff(&row.staff_id, args.set_pin.as_deref().or(old))?;
    let key = match (&args.set_pin, old) {
        (Some(_), _) => "staff.pin_set",
        (None, Some(_)) if !row.has_pin => "staff.no_pin",
        _ => "staff.uses",
    };
    Ok((key, name))
}

/// A member of staff by id, name or a part of the name that only one has.
fn staff_row(session: &Session<'_>, who: &str) -> Result<StaffRow, Failure> {
    let mut rows = session.app.staff()?;
    if rows.is_empty() {
        return Err(Failure::refused("staff_not_here", []));
    }
    let exact = |row: &StaffRow| row.staff_id.eq_ignore_ascii_case(who) || row.name == who;
    if rows.iter().any(exact) {
        rows.retain(exact);
    } else {
        rows.retain(|row| row.name.contains(who));
    }
    match rows.len() {
        0 => Err(Failure::refused("staff", [("who", who)])),
        1 => Ok(rows.swap_remove(0)),
        _ => {
            let names = rows.iter().map(|row| format!("{} {}", row.staff_id, row.name));
            let names = names.collect::<Vec<_>>().join("、");
            Err(Failure::refused(
                "several_staff",
                [("who", who), ("names", names.as_str())],
            ))
        }
    }
}

/// The id of [`staff_row`].
pub fn staff_id(session: &Session<'_>, who: &str) -> Result<String, Failure> {
    staff_row(session, who).map(|row| row.staff_id)
}

pub fn status(session: &Session<'_>, args: &StatusArgs) -> Result<String, Failure> {
    if let Some(outbox_id) = args.put_away {
        session.app.put_away(outbox_id)?;
    }
    if args.queue {
        return queue(session);
    }
    let status = session.app.status()?;
    session.print(&status, |screen, status| show_status(session, screen, status))
}

/// Every operation on its way, stuck ones first.
fn queue(session: &Session<'_>) -> Result<String, Failure> {
    let queue = session
        .app
        .sync_queue()?
        .ok_or(yaoban_clerk_core::facade::AppError::StaffMissing)?;
    session.print(&queue, |screen, queue| {
        if queue.ops.is_empty() {
            screen.say("status.nothing", &[]);
        }
        let mut table = Table::default();
        for op in &queue.ops {
            let texts = screen.texts;
            let at = session.app.local(op.at_ms).format("%m-%d %H:%M");
            table.row([
                op.outbox_id.to_string(),
                at.to_string(),
                texts.code("op", &op.op).to_owned(),
                op.member_name.clone().unwrap_or_default(),
                texts.code("op_state", &op.state).to_owned(),
                why_stuck(texts, op),
            ]);
        }
        screen.table(&table);
    })
}

fn why_stuck(texts: &Texts, op: &StuckOp) -> String {
    op.reason
        .as_ref()
        .map(|code| reason(texts, code, &op.values))
        .unwrap_or_default()
}

pub fn unpair(session: &Session<'_>, vault: &FileVault, args: &UnpairArgs) -> Result<String, Failure> {
    session.app.unpair(args.lose)?;
    session.shown.forget();
    vault
        .destroy()
        .map_err(|error| Failure::because("key_stays", error))?;
    let done = serde_json::json!({ "unpaired": true });
    session.print(&done, |screen, _| screen.say("unpair.done", &[]))
}

fn show_status(session: &Session<'_>, screen: &mut Screen<'_>, status: &Status) {
    let last = status
        .last_sync_ms
        .map(|at_ms| session.app.local(at_ms).format("%m-%d %H:%M").to_string());
    if !status.paired {
        screen.say("status.unpaired", &[]);
        return;
    }
    let texts = screen.texts;
    let place = place(&status.chain_name, &status.store_name);
    screen.say("status.hub", &[("place", &place), ("url", &status.hub_url)]);
    if let Some(reason) = &status.locked {
        let reason = texts.code("locked", reason);
        screen.line(screen.danger(&texts.fill("status.locked", &[("reason", &reason)])));
    }
    if status.set_aside.is_some() {
        screen.line(screen.danger(&texts.fill("status.set_aside", &[("n", &status.salvaged_ops)])));
    } else if status.salvaged_ops > 0 {
        screen.line(screen.danger(&texts.fill("status.came_back", &[("n", &status.salvaged_ops)])));
    }
    let Some(last) = last else {
        screen.next("pair.next", &[]);
        return;
    };
    let size = status.file_bytes.div_ceil(1_000_000);
    screen.say(
        "status.last",
        &[("when", &last), ("members", &status.members), ("size", &size)],
    );
    let waiting = status.outbox - status.held;
    if waiting > 0 {
        screen.say("status.outbox", &[("n", &waiting)]);
    }
    if status.held > 0 {
        screen.say("status.held", &[("n", &status.held)]);
    }
    if status.outbox > 0 {
        screen.next("status.next", &[]);
    } else {
        screen.say("status.nothing", &[]);
    }
    for stuck in &status.stuck {
        let (op, why) = (texts.code("op", &stuck.op), why_stuck(texts, stuck));
        let who = stuck.member_name.as_deref().unwrap_or(texts.get("none"));
        let state = texts.code("op_state", &stuck.state);
        let text = texts.fill(
            "status.stuck",
            &[
                ("id", &stuck.outbox_id),
                ("state", &state),
                ("op", &op),
                ("who", &who),
                ("why", &why),
            ],
        );
        screen.line(screen.danger(&text));
    }
    if let Some(first) = status.stuck.first() {
        screen.next("status.stuck_next", &[("id", &first.outbox_id)]);
    }
}
