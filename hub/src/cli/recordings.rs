//! `yaoban-hub recordings`: recordings of calls; hearing one is audited.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use yaoban_domain::codes::{Action, Role};
use yaoban_domain::role::{Place, Request, decide};

use super::{CliError, DataArgs, stated_reason};
use crate::clock::{Clock as _, SystemClock};
use crate::recordings::leave::{self, By};
use crate::recordings::{RecordingError, Shelf};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::recordings::{Filter, Recording, State};

/// Arguments of `recordings`.
#[derive(Debug, Args)]
pub struct RecordingsArgs {
    #[command(subcommand)]
    command: RecordingsCommand,
}

#[derive(Debug, Subcommand)]
enum RecordingsCommand {
    /// Show the recordings; no names, no numbers.
    List {
        #[command(flatten)]
        data: DataArgs,
        /// Of this store.
        #[arg(long, value_name = "STORE")]
        store: Option<String>,
        /// Of calls with this member.
        #[arg(long, value_name = "MEMBER")]
        member: Option<String>,
        /// Also those that were deleted, with the reason.
        #[arg(long)]
        deleted: bool,
        /// As JSON, one line a recording.
        #[arg(long)]
        json: bool,
    },
    /// Write a recording into a file to hear it. Written down in the audit trail first.
    Export {
        #[command(flatten)]
        who: WhoArgs,
        /// File to write; it must not exist. Delete it after hearing.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Delete a recording on both ends.
    Delete {
        #[command(flatten)]
        who: WhoArgs,
    },
    /// Delete now what may not be kept any longer. The serving hub does so every day.
    Sweep {
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Whose recording, who asks for it, and why.
#[derive(Debug, Args)]
struct WhoArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Id of the call, from `recordings list`.
    attempt: String,
    /// Who wants it: the manager of the member's store or region.
    #[arg(long, value_name = "STAFF")]
    staff: String,
    /// Why; goes into the audit trail.
    #[arg(long)]
    reason: String,
}

/// Runs `recordings`.
pub fn run(args: &RecordingsArgs) -> Result<(), CliError> {
    match &args.command {
        RecordingsCommand::List {
            data,
            store,
            member,
            deleted,
            json,
        } => {
            let filter = Filter {
                store_id: store.clone(),
                member_id: member.clone(),
                deleted: *deleted,
            };
            list(data, &filter, *json)
        }
        RecordingsCommand::Export { who, out } => export(who, out),
        RecordingsCommand::Delete { who } => delete(who),
        RecordingsCommand::Sweep { data } => sweep(data),
    }
}

fn list(data: &DataArgs, filter: &Filter, json: bool) -> Result<(), CliError> {
    let rows = data.open()?.read::<_, CliError>(|tx| {
        let mut rows = Vec::new();
        for recording in tx.recordings(filter)? {
            let attempt = tx.attempt(&recording.attempt_id)?;
            rows.push((recording, attempt));
        }
        Ok(rows)
    })?;
    if !json {
        say!(
            "{:36}  {:10}  {:10}  {:10}  {:9}  {:>11}  REASON",
            "CALL",
            "STORE",
            "STAFF",
            "MEMBER",
            "STATE",
            "BYTES"
        );
    }
    for (recording, attempt) in rows {
        let (staff, member) = attempt.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |attempt| (attempt.staff_id, attempt.member_id),
        );
        if json {
            say!(
                "{}",
                serde_json::json!({
                    "attempt_id": recording.attempt_id, "store_id": recording.store_id, "staff_id": staff,
                    "member_id": member, "started_at_ms": recording.started_at_ms,
                    "state": recording.state.code(), "bytes": recording.bytes, "received": recording.received,
                    "sha256": recording.sha256, "media_type": recording.media_type, "reason": recording.reason,
                })
            );
        } else {
            say!(
                "{:36}  {:10}  {:10}  {:10}  {:9}  {:>11}  {}",
                recording.attempt_id,
                recording.store_id,
                staff,
                member,
                recording.state.code(),
                recording.bytes,
                recording.reason.unwrap_or_default()
            );
        }
    }
    Ok(())
}

/// The recording that somebody may handle, with the member of its call.
fn allowed(tx: &Tx<'_>, who: &WhoArgs) -> Result<(Recording, String), CliError> {
    let refused = |text: String| Err(CliError::Refused(text));
    let reason = stated_reason(&who.reason)?;
    let found = tx
        .recording(&who.attempt)?
        .filter(|found| found.state != State::Deleted);
    let Some(recording) = found else {
        return refused(format!(
            "no recording of call `{}`; see `yaoban-hub recordings list`",
            who.attempt
        ));
    };
    let member = match tx.attempt(&who.attempt)? {
        Some(attempt) => match tx.resolve_member(&attempt.member_id)? {
            Some(id) => tx.member(&id)?,
            None => None,
        },
        None => None,
    };
    let Some(member) = member else {
        return refused("the member of this call is gone; run `yaoban-hub recordings sweep`".to_owned());
    };
    let Some(staff) = tx.staff(&who.staff)? else {
        return refused(format!("no member of staff `{}`", who.staff));
    };
    let store = match &member.store_id {
        Some(id) => tx.store(id)?,
        None => None,
    };
    let place = store.as_ref().map_or_else(Place::default, Place::from);
    let request = Request {
        reason: Some(reason),
        ..Request::new(Action::SeeStore, place)
    };
    let leads = staff.role.is(Role::StoreManager) || staff.role.is(Role::RegionManager);
    if !leads || !decide(&staff, &request, &tx.rules()?.device).is_allowed() {
        return refused(format!(
            "`{}` may not hear recordings of this store: only its manager and the manager of its region",
            who.staff
        ));
    }
    Ok((recording, member.id))
}

fn export(who: &WhoArgs, out: &Path) -> Result<(), CliError> {
    let database = who.data.open()?;
    let shelf = Shelf::open(&database).map_err(CliError::refused)?;
    let failed = |source| CliError::File {
        action: "write",
        path: out.to_owned(),
        source,
    };
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(out).map_err(failed)?;
    // What is heard is written down before it is.
    let recording = database.write::<_, CliError>(|tx| {
        let (recording, member_id) = allowed(tx, who)?;
        tx.audit(&AuditEntry {
            at_ms: SystemClock.now_ms(),
            actor: "cli".to_owned(),
            staff_id: Some(who.staff.clone()),
            action: "recording_exported",
            subject: Some(member_id),
            detail: serde_json::json!({ "attempt": recording.attempt_id, "reason": who.reason.trim() }),
        })?;
        Ok(recording)
    });
    let written = recording.and_then(|recording| {
        let mut content = shelf.content(&recording).map_err(CliError::refused)?;
        std::io::copy(&mut content, &mut file).map_err(|error| {
            CliError::Refused(format!(
                "the recording cannot be written to {}: {error}",
                out.display()
            ))
        })?;
        file.flush().map_err(failed)
    });
    if let Err(error) = written {
        // Half a recording helps nobody.
        let _ = std::fs::remove_file(out);
        return Err(error);
    }
    say!(
        "written to {}; delete it after hearing. This is in the audit trail.",
        out.display()
    );
    Ok(())
}

fn delete(who: &WhoArgs) -> Result<(), CliError> {
    let database = who.data.open()?;
    database.write::<_, CliError>(|tx| {
        let (recording, _) = allowed(tx, who)?;
        let by = By {
            actor: "cli",
            staff_id: Some(&who.staff),
            now_ms: SystemClock.now_ms(),
        };
        Ok(leave::delete(tx, &recording, who.reason.trim(), &by)?)
    })?;
    let shelf = Shelf::open(&database).map_err(CliError::refused)?;
    leave::remove_files_of_deleted(&database, &shelf).map_err(CliError::refused)?;
    say!("deleted; the phone deletes its copy after its next pull");
    Ok(())
}

fn sweep(data: &DataArgs) -> Result<(), CliError> {
    let database = data.open()?;
    let swept = Shelf::open(&database)
        .and_then(|shelf| leave::sweep(&database, &shelf, SystemClock.now_ms()))
        .map_err(|error: RecordingError| CliError::refused(error))?;
    say!(
        "deleted {} recordings and {} files that belonged to none",
        swept.deleted,
        swept.files
    );
    Ok(())
}
