//! `yaoban-hub device`: which phones there are, and shutting one out.

use clap::{Args, Subcommand};

use super::{CliError, DataArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::Device;

/// Arguments of `device`.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    #[command(subcommand)]
    command: DeviceCommand,
}

#[derive(Debug, Subcommand)]
enum DeviceCommand {
    /// Show all phones.
    List {
        #[command(flatten)]
        data: DataArgs,
        /// As JSON, one line a phone.
        #[arg(long)]
        json: bool,
    },
    /// Shut a phone out, from its next request on. What it has not sent yet stays on it.
    Revoke {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the phone, from `device list`.
        id: String,
    },
}

/// Runs `device`.
pub fn run(args: &DeviceArgs) -> Result<(), CliError> {
    match &args.command {
        DeviceCommand::List { data, json } => list(data, *json),
        DeviceCommand::Revoke { data, id } => revoke(data, id),
    }
}

fn list(data: &DataArgs, json: bool) -> Result<(), CliError> {
    let devices = data.open()?.read::<_, CliError>(|tx| Ok(tx.devices()?))?;
    if !json {
        say!(
            "{:36}  {:10}  {:10}  {:7}  {:>8}  NAME",
            "ID",
            "STORE",
            "STAFF",
            "STATE",
            "LAST N"
        );
    }
    for device in devices {
        say!(
            "{}",
            if json {
                json_line(&device)
            } else {
                text_line(&device)
            }
        );
    }
    Ok(())
}

fn state(device: &Device) -> &'static str {
    if device.revoked_ms.is_some() {
        "revoked"
    } else {
        "active"
    }
}

fn json_line(device: &Device) -> String {
    serde_json::json!({
        "id": device.id, "name": device.name, "store_id": device.store_id, "staff_id": device.staff_id,
        "state": state(device), "created_ms": device.created_ms, "seen_ms": device.seen_ms,
        "last_n": device.last_n, "app_version": device.app_version,
    })
    .to_string()
}

fn text_line(device: &Device) -> String {
    format!(
        "{:36}  {:10}  {:10}  {:7}  {:>8}  {}",
        device.id,
        device.store_id,
        device.staff_id.as_deref().unwrap_or("-"),
        state(device),
        device.last_n,
        device.name
    )
}

fn revoke(data: &DataArgs, id: &str) -> Result<(), CliError> {
    let now_ms = SystemClock.now_ms();
    data.open()?.write(|tx| {
        if tx.device(id)?.is_none() {
            return Err(CliError::Refused(format!(
                "no device `{id}`; see `yaoban-hub device list`"
            )));
        }
        if !tx.revoke_device(id, now_ms)? {
            return Err(CliError::Refused(format!("device `{id}` was revoked before")));
        }
        Ok(tx.audit(&AuditEntry {
            at_ms: now_ms,
            actor: "cli".to_owned(),
            staff_id: None,
            action: "device_revoke",
            subject: Some(id.to_owned()),
            detail: serde_json::json!({}),
        })?)
    })?;
    say!("revoked {id}");
    Ok(())
}
