//! Recordings of calls: attached, listed, played, removed, uploaded.

use std::fs::File;
use std::path::Path;

use yaoban_clerk_core::facade::recordings::{RecordingRow, UploadReport};
use yaoban_clerk_core::recording::Network;
use yaoban_clerk_core::sync::Cancel;

use super::Session;
use crate::cli::RecordingArgs;
use crate::failure::{Failure, reason};
use crate::layout::Table;
use crate::screen::Screen;

pub fn recording(session: &Session<'_>, args: &RecordingArgs) -> Result<String, Failure> {
    session.app.set_network(network(&args.network)?);
    if let Some(text) = &args.wifi_only {
        session.app.set_recording_wifi_only(yes_or_no(text)?)?;
        return list(session);
    }
    if args.send {
        return send(session);
    }
    let Some(call) = &args.call else {
        return list(session);
    };
    if let Some(path) = &args.attach {
        let mut file = File::open(path).map_err(|error| file_failure(path, error))?;
        let row = session.app.attach_recording(call, &mut file, &args.media_type)?;
        return one(session, &row);
    }
    if let Some(why) = &args.none {
        return one(session, &session.app.no_recording(call, why)?);
    }
    if let Some(path) = &args.play {
        play(session, call, path)?;
    }
    if args.remove {
        session.app.remove_recording(call)?;
    }
    one(session, &session.app.recording_of(call)?)
}

fn network(text: &str) -> Result<Network, Failure> {
    match text {
        "none" => Ok(Network::None),
        "metered" => Ok(Network::Metered),
        "wifi" => Ok(Network::Wifi),
        _ => Err(Failure::refused(
            "input.code",
            [("text", text), ("expected", "none、metered、wifi")],
        )),
    }
}

fn yes_or_no(text: &str) -> Result<bool, Failure> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(Failure::refused(
            "input.code",
            [("text", text), ("expected", "yes、no")],
        )),
    }
}

fn file_failure(path: &Path, error: impl std::fmt::Display) -> Failure {
    let (path, reason) = (path.display().to_string(), error.to_string());
    Failure::refused("recording.file", [("path", path.as_str()), ("reason", &reason)])
}

fn play(session: &Session<'_>, call: &str, path: &Path) -> Result<(), Failure> {
    let mut content = session.app.play_recording(call)?;
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| file_failure(path, error))?;
    std::io::copy(&mut content, &mut file)
        .map(|_| ())
        .map_err(|error| file_failure(path, error))
}

fn send(session: &Session<'_>) -> Result<String, Failure> {
    let report = session.app.upload_recordings(&Cancel::default())?;
    session.print(&report, show_report)
}

fn show_report(screen: &mut Screen<'_>, report: &UploadReport) {
    screen.say(
        "recording.sent",
        &[
            ("n", &report.uploaded),
            ("waiting", &report.waiting),
            ("refused", &report.refused),
        ],
    );
    if let Some(code) = report.held_back {
        let text = screen.texts.code("recording.held", code).to_owned();
        screen.line(text);
    }
    if let Some(code) = &report.problem {
        let text = reason(screen.texts, code, &[]);
        screen.line(screen.danger(&text));
    }
}

fn one(session: &Session<'_>, row: &RecordingRow) -> Result<String, Failure> {
    session.print(row, |screen, row| {
        let who = row.member_name.clone().unwrap_or_default();
        let (state, why) = words(screen, row);
        screen.say(
            "recording.one",
            &[
                ("who", &who),
                ("state", &state),
                ("why", &why),
                ("size", &size(row)),
            ],
        );
    })
}

/// The state and what is to be said to it.
fn words(screen: &Screen<'_>, row: &RecordingRow) -> (String, String) {
    let state = screen.texts.code("recording_state", row.state).to_owned();
    let code = row.reason.as_ref().or(row.last_error.as_ref());
    let why = code.map_or_else(String::new, |code| {
        let own = format!("recording_reason.{code}");
        if screen.texts.has(&own) {
            screen.texts.get(&own).to_owned()
        } else {
            reason(screen.texts, code, &[])
        }
    });
    (state, why)
}

/// Kilobytes that the hub has, of how many.
fn size(row: &RecordingRow) -> String {
    if row.bytes == 0 {
        return String::new();
    }
    format!(
        "{}/{} kB",
        row.sent_bytes.div_ceil(1_000),
        row.bytes.div_ceil(1_000)
    )
}

fn list(session: &Session<'_>) -> Result<String, Failure> {
    let (rows, usage) = (session.app.recordings(None)?, session.app.recording_usage()?);
    let record = serde_json::json!({ "recordings": rows, "usage": usage });
    session.print(&record, |screen, _| {
        if rows.is_empty() {
            screen.say("recording.empty", &[]);
            return;
        }
        let heads = [
            "recording.when",
            "recording.who",
            "recording.state",
            "recording.size",
            "recording.why",
            "recording.call",
        ];
        let mut table = Table::new(heads.map(|key| screen.texts.get(key)));
        for row in &rows {
            let (state, why) = words(screen, row);
            let at = session
                .app
                .local(row.call_at_ms)
                .format("%m-%d %H:%M")
                .to_string();
            table.row([
                at,
                row.member_name.clone().unwrap_or_default(),
                state,
                size(row),
                why,
                row.attempt_id.clone(),
            ]);
        }
        screen.table(&table);
        screen.say(
            "recording.usage",
            &[
                ("used", &usage.bytes.div_ceil(1_000_000)),
                ("max", &(usage.bytes_max / 1_000_000)),
                ("waiting", &usage.waiting),
            ],
        );
        if usage.waiting > 0 {
            if let Some(code) = usage.held_back {
                let text = screen.texts.code("recording.held", code).to_owned();
                screen.line(text);
            }
            screen.next("recording.next", &[]);
        }
    })
}
