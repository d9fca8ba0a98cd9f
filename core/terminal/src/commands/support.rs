//! For whoever helps: how the phone is, and the same sealed for the chain's support.

use std::io::Write as _;

use yaoban_clerk_core::facade::doctor::Checkup;
use yaoban_clerk_core::sync::Cancel;

use super::Session;
use crate::cli::{BundleArgs, DoctorArgs};
use crate::failure::Failure;
use crate::layout::Table;
use crate::screen::Screen;

/// Rounds and tables that show.
const SHOWN: usize = 10;

pub fn doctor(session: &Session<'_>, args: &DoctorArgs) -> Result<String, Failure> {
    let checkup = session.app.checkup(!args.offline, &Cancel::default())?;
    session.print(&checkup, |screen, checkup| show(session, screen, checkup))
}

fn show(session: &Session<'_>, screen: &mut Screen<'_>, checkup: &Checkup) {
    let texts = screen.texts;
    let at = |at_ms: Option<i64>| {
        at_ms.map_or_else(
            || texts.get("none").to_owned(),
            |at_ms| session.app.local(at_ms).format("%m-%d %H:%M").to_string(),
        )
    };
    if checkup.findings.is_empty() {
        screen.say("doctor.well", &[]);
    }
    for code in &checkup.findings {
        let text = texts.code("doctor_finding", code).to_owned();
        screen.line(screen.danger(&text));
    }
    let file = &checkup.file;
    screen.say(
        "doctor.version",
        &[
            ("app", &checkup.app_version),
            ("schema", &file.schema),
            ("device", &checkup.device_id),
        ],
    );
    let skew = checkup
        .clock_skew_ms
        .map_or_else(|| texts.get("none").to_owned(), |ms| format!("{} s", ms / 1_000));
    screen.say(
        "doctor.sync",
        &[
            ("last", &at(checkup.last_sync_ms)),
            ("digests", &at(checkup.digests_compared_ms)),
            ("skew", &skew),
        ],
    );
    for scope in &checkup.scopes {
        screen.say(
            "doctor.scope",
            &[
                ("kind", &scope.kind),
                ("rows", &scope.rows),
                ("digest", &texts.code("doctor_digest", &scope.digest)),
            ],
        );
    }
    screen.heading("doctor.queue", &[]);
    for queue in &checkup.queue {
        screen.say(
            "doctor.queue_state",
            &[
                ("state", &texts.code("queue_state", &queue.state)),
                ("n", &queue.count),
                ("oldest", &at(Some(queue.oldest_at_ms))),
            ],
        );
    }
    for reason in &checkup.queue_reasons {
        let code = reason.reason.clone().unwrap_or_default();
        screen.say(
            "doctor.queue_reason",
            &[
                ("op", &texts.code("op", &reason.op)),
                ("n", &reason.count),
                ("reason", &crate::failure::reason(texts, &code, &[])),
            ],
        );
    }
    for recordings in &checkup.recordings {
        screen.say(
            "doctor.recordings",
            &[
                ("state", &texts.code("recording_state", &recordings.state)),
                ("n", &recordings.count),
                ("size", &recordings.bytes_here.div_ceil(1_000_000)),
            ],
        );
    }
    screen.say(
        "doctor.figures",
        &[
            ("of_today", &checkup.figures.of_today),
            ("members", &checkup.figures.members),
            ("stale", &checkup.figures.stale),
            ("model", &checkup.figures.model_version),
        ],
    );
    screen.heading("doctor.file", &[]);
    for (name, bytes) in &file.files {
        screen.line(format!("  {name}  {} kB", bytes.div_ceil(1_000)));
    }
    let tables: Vec<String> = file
        .tables
        .iter()
        .take(SHOWN)
        .map(|(name, rows)| format!("{name} {rows}"))
        .collect();
    screen.line(format!("  {}", tables.join(" · ")));
    for found in &file.integrity {
        screen.line(screen.danger(found));
    }
    if checkup.rounds.is_empty() {
        return;
    }
    screen.heading("doctor.rounds", &[]);
    let heads = ["doctor.when", "doctor.down", "doctor.up", "doctor.problems"];
    let mut table = Table::new(heads.map(|key| texts.get(key)));
    for round in checkup.rounds.iter().take(SHOWN) {
        table.row([
            at(Some(round.at_ms)),
            round.pulled_rows.to_string(),
            round.pushed_ops.to_string(),
            round.problems.join(" "),
        ]);
    }
    screen.table(&table);
}

pub fn bundle(session: &Session<'_>, args: &BundleArgs) -> Result<String, Failure> {
    let sealed = session.app.diagnostic_bundle(!args.offline, &Cancel::default())?;
    let written = std::fs::File::create_new(&args.out).and_then(|mut file| file.write_all(&sealed));
    written.map_err(|error| {
        let (path, reason) = (args.out.display().to_string(), error.to_string());
        Failure::refused("recording.file", [("path", path.as_str()), ("reason", &reason)])
    })?;
    let path = args.out.display().to_string();
    let record = serde_json::json!({ "file": path, "bytes": sealed.len() });
    session.print(&record, |screen, _| {
        screen.say("bundle.done", &[("path", &path)]);
    })
}
