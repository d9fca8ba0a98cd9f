//! `yaoban-hub signatures`: what members signed their consents with; seeing one is audited.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use yaoban_protocol::apply::SignedConsents;

use super::{CliError, DataArgs, stated_reason};
use crate::clock::{Clock as _, SystemClock};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::erasure::ids_of;

/// Arguments of `signatures`.
#[derive(Debug, Args)]
pub struct SignaturesArgs {
    #[command(subcommand)]
    command: SignaturesCommand,
}

#[derive(Debug, Subcommand)]
enum SignaturesCommand {
    /// Show what a member signed, and when; as JSON, one line a consent.
    List {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the member, or another id of the same person.
        #[arg(long, value_name = "ID")]
        member: String,
    },
    /// Write a member's signatures as pictures (SVG). Written down in the audit trail first.
    Export {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the member, or another id of the same person.
        #[arg(long, value_name = "ID")]
        member: String,
        /// Folder to write them into, one file a signature, under the id that `list` shows.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Who asks for it; goes into the audit trail.
        #[arg(long, value_name = "STAFF")]
        staff: Option<String>,
        /// Why; goes into the audit trail, so no names and no numbers.
        #[arg(long)]
        reason: String,
    },
}

/// Runs `signatures`.
pub fn run(args: &SignaturesArgs) -> Result<(), CliError> {
    match &args.command {
        SignaturesCommand::List { data, member } => list(data, member),
        SignaturesCommand::Export {
            data,
            member,
            out,
            staff,
            reason,
        } => export(data, member, out, staff.as_deref(), reason.trim()),
    }
}

fn list(data: &DataArgs, member: &str) -> Result<(), CliError> {
    let signed = data
        .open()?
        .read::<_, CliError>(|tx| Ok(signed_of(tx, member)?.1))?;
    for one in &signed {
        for consent in &one.consents {
            say!(
                "{}",
                serde_json::json!({
                    "signature": one.op_id, "member_id": one.member_id, "at_ms": consent.at_ms,
                    "purpose": consent.purpose.code(),
                    "channel": consent.channel.as_ref().map(|channel| channel.code()),
                    "granted": consent.granted, "wording_version": consent.wording_version,
                    "place": consent.place, "staff_id": consent.staff_id,
                })
            );
        }
    }
    Ok(())
}

fn export(
    data: &DataArgs,
    member: &str,
    out: &Path,
    staff: Option<&str>,
    reason: &str,
) -> Result<(), CliError> {
    let reason = stated_reason(reason)?;
    // What is seen is written down before it is.
    let signed = data.open()?.write::<_, CliError>(|tx| {
        let (member_id, signed) = signed_of(tx, member)?;
        tx.audit(&AuditEntry {
            at_ms: SystemClock.now_ms(),
            actor: "cli".to_owned(),
            staff_id: staff.map(str::to_owned),
            action: "signatures_exported",
            subject: Some(member_id),
            detail: serde_json::json!({ "signatures": signed.len(), "reason": reason }),
        })?;
        Ok(signed)
    })?;
    let failed = |path: &Path, source| CliError::File {
        action: "write",
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(out).map_err(|source| failed(out, source))?;
    for one in &signed {
        // An id is the phone's word: only what it may consist of names a file.
        let name: String = one
            .op_id
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let path = out.join(format!("{name}.svg"));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(one.signature.to_svg().as_bytes()));
        written.map_err(|source| failed(&path, source))?;
    }
    say!(
        "{} signatures written to {}; delete them after use. This is in the audit trail.",
        signed.len(),
        out.display()
    );
    Ok(())
}

/// What a member signed under any of its ids, and the id under which it is kept now.
fn signed_of(tx: &Tx<'_>, member: &str) -> Result<(String, Vec<SignedConsents>), CliError> {
    let known = tx.resolve_member(member)?.map(|id| tx.member(&id)).transpose()?;
    let Some(member) = known.flatten() else {
        return Err(CliError::Refused(format!(
            "no member `{member}`; it was never here, or goes by another id"
        )));
    };
    let mut signed = Vec::new();
    for id in ids_of(&member) {
        signed.extend(tx.signed_under(id)?);
    }
    signed.sort_by(|a, b| a.op_id.cmp(&b.op_id));
    Ok((member.id, signed))
}
