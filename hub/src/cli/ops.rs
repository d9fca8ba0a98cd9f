//! `yaoban-hub ops`: operations that were parked.

use clap::{Args, Subcommand};
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, OpStatus};

use super::{CliError, DataArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::ops::Taking;
use crate::storage::sqlite::ops::ParkedOp;

/// Arguments of `ops`.
#[derive(Debug, Args)]
pub struct OpsArgs {
    #[command(subcommand)]
    command: OpsCommand,
}

#[derive(Debug, Subcommand)]
enum OpsCommand {
    /// Show the operations that wait.
    List {
        #[command(flatten)]
        data: DataArgs,
        /// Also those that were replayed.
        #[arg(long)]
        all: bool,
    },
    /// Show one with its content. It may hold personal data.
    Show {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the operation.
        op_id: String,
    },
    /// Try one again, for example after an update of the hub; without an id all that wait.
    Replay {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the operation.
        op_id: Option<String>,
    },
}

/// Runs `ops`.
pub fn run(args: &OpsArgs) -> Result<(), CliError> {
    match &args.command {
        OpsCommand::List { data, all } => list(data, *all),
        OpsCommand::Show { data, op_id } => show(data, op_id),
        OpsCommand::Replay { data, op_id } => replay(data, op_id.as_deref()),
    }
}

fn list(data: &DataArgs, all: bool) -> Result<(), CliError> {
    say!(
        "{:36}  {:36}  {:>8}  {:10}  {:16}  STATE",
        "OPERATION",
        "DEVICE",
        "N",
        "STAFF",
        "REASON"
    );
    for op in data.open()?.read::<_, CliError>(|tx| Ok(tx.parked_ops(all)?))? {
        let state = if op.replayed_ms.is_some() {
            "replayed"
        } else {
            "waits"
        };
        say!(
            "{:36}  {:36}  {:>8}  {:10}  {:16}  {state}",
            op.envelope.op_id,
            op.device_id,
            op.envelope.n,
            op.envelope.staff_id,
            op.reason
        );
    }
    Ok(())
}

fn unknown(op_id: &str) -> CliError {
    CliError::Refused(format!(
        "no parked operation `{op_id}`; see `yaoban-hub ops list`"
    ))
}

fn show(data: &DataArgs, op_id: &str) -> Result<(), CliError> {
    let op = data
        .open()?
        .read::<_, CliError>(|tx| Ok(tx.parked_op(op_id)?))?
        .ok_or_else(|| unknown(op_id))?;
    let content = match from_cbor::<Op>(&op.envelope.body) {
        Ok(read) => serde_json::to_value(read).map_err(CliError::refused)?,
        Err(error) => {
            serde_json::json!({ "unreadable": error.to_string(), "bytes": hex::encode(&op.envelope.body) })
        }
    };
    let shown = serde_json::json!({
        "op_id": op.envelope.op_id, "device_id": op.device_id, "n": op.envelope.n, "staff_id": op.envelope.staff_id,
        "at_ms": op.envelope.at_ms, "received_ms": op.received_ms, "reason": op.reason, "replayed_ms": op.replayed_ms,
        "result": op.result, "content": content,
    });
    say!(
        "{}",
        serde_json::to_string_pretty(&shown).map_err(CliError::refused)?
    );
    Ok(())
}

fn replay(data: &DataArgs, op_id: Option<&str>) -> Result<(), CliError> {
    let database = data.open()?;
    let waiting: Vec<ParkedOp> = database.read::<_, CliError>(|tx| match op_id {
        Some(op_id) => Ok(vec![tx.parked_op(op_id)?.ok_or_else(|| unknown(op_id))?]),
        None => Ok(tx.parked_ops(false)?),
    })?;
    for op in waiting {
        if op.replayed_ms.is_some() {
            return Err(CliError::Refused(format!(
                "`{}` was replayed before",
                op.envelope.op_id
            )));
        }
        let result = database.write(|tx| {
            let device = tx.device(&op.device_id)?.ok_or_else(|| {
                CliError::Refused(format!(
                    "device `{}` of operation `{}` is gone",
                    op.device_id, op.envelope.op_id
                ))
            })?;
            let (rules, calendar) = (tx.rules()?, tx.calendar()?);
            let taking = Taking {
                device: &device,
                rules: &rules,
                calendar,
                now_ms: SystemClock.now_ms(),
            };
            Ok::<_, CliError>(taking.replay(tx, &op.envelope)?)
        })?;
        let state = match result.status {
            OpStatus::Applied => "applied",
            OpStatus::Merged => "merged",
            OpStatus::Duplicate => "duplicate",
            OpStatus::Rejected => "rejected",
            OpStatus::Parked => "still parked",
        };
        say!(
            "{}  {state}  {}",
            op.envelope.op_id,
            result.reason.unwrap_or_default()
        );
    }
    Ok(())
}
