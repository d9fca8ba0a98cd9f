//! `yaoban-hub ops`: operations that were parked.

use clap::{Args, Subcommand};
use yaoban_domain::phone;
use yaoban_protocol::codec::from_cbor;
use yaoban_protocol::op::{Op, OpStatus};

use super::{CliError, DataArgs, stated_reason};
use crate::clock::{Clock as _, SystemClock};
use crate::ops::{Taking, parked};
use crate::storage::StorageError;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
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
    /// Show one. What may be of a person is covered.
    Show {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the operation.
        op_id: String,
        /// Show all of it. That goes into the audit trail.
        #[arg(long)]
        content: bool,
    },
    /// Try one again, for example after an update of the hub; without an id all that wait.
    Replay {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the operation.
        op_id: Option<String>,
    },
    /// Give one up: its clerk sees it refused, its content is deleted.
    Discard {
        #[command(flatten)]
        data: DataArgs,
        /// Id of the operation.
        op_id: String,
        /// Why; goes into the audit trail.
        #[arg(long)]
        reason: String,
    },
}

/// Runs `ops`.
pub fn run(args: &OpsArgs) -> Result<(), CliError> {
    match &args.command {
        OpsCommand::List { data, all } => list(data, *all),
        OpsCommand::Show { data, op_id, content } => show(data, op_id, *content),
        OpsCommand::Replay { data, op_id } => replay(data, op_id.as_deref()),
        OpsCommand::Discard { data, op_id, reason } => discard(data, op_id, reason),
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
        let discarded = op
            .result
            .as_ref()
            .is_some_and(|result| result.reason.as_deref() == Some(parked::DISCARDED));
        let state = match op.replayed_ms {
            Some(_) if discarded => "discarded",
            Some(_) => "replayed",
            None => "waits",
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

fn show(data: &DataArgs, op_id: &str, content: bool) -> Result<(), CliError> {
    let database = data.open()?;
    let op = database
        .read::<_, CliError>(|tx| Ok(tx.parked_op(op_id)?))?
        .ok_or_else(|| unknown(op_id))?;
    let mut shown = match from_cbor::<Op>(&op.envelope.body) {
        Ok(read) => serde_json::to_value(read).map_err(CliError::refused)?,
        Err(_) if content => serde_json::json!({ "bytes": hex::encode(&op.envelope.body) }),
        Err(error) => {
            serde_json::json!({ "unreadable": error.to_string(), "length": op.envelope.body.len() })
        }
    };
    if content {
        // What is looked at is written down before it shows.
        database.write::<_, CliError>(|tx| {
            Ok(tx.audit(&AuditEntry {
                at_ms: SystemClock.now_ms(),
                actor: "cli".to_owned(),
                staff_id: None,
                action: "op_shown",
                subject: Some(op_id.to_owned()),
                detail: serde_json::json!({}),
            })?)
        })?;
    } else {
        cover(&mut shown, "");
    }
    let shown = serde_json::json!({
        "op_id": op.envelope.op_id, "device_id": op.device_id, "n": op.envelope.n, "staff_id": op.envelope.staff_id,
        "at_ms": op.envelope.at_ms, "received_ms": op.received_ms, "reason": op.reason, "replayed_ms": op.replayed_ms,
        "result": op.result, "content": shown,
    });
    say!(
        "{}",
        serde_json::to_string_pretty(&shown).map_err(CliError::refused)?
    );
    Ok(())
}

/// Fields whose values say what was done, not of whom.
const OPEN_FIELDS: [&str; 14] = [
    "op", "state", "code", "kind", "origin", "purpose", "channel", "result", "context", "granted", "version",
    "step", "attempts", "id",
];

/// Covers everything of a content that may be of a person: texts are told by their length, numbers and
/// dates not at all. Ids stay, unless they are phone numbers.
fn cover(value: &mut serde_json::Value, field: &str) {
    use serde_json::Value;
    let is_id = field == "id" || field.ends_with("_id");
    let open = OPEN_FIELDS.contains(&field) || is_id || field.ends_with("_ms");
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cover(value, field)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| cover(value, name)),
        Value::String(text) if is_id && phone::normalise(text).is_some() => *text = phone::mask(text),
        Value::String(text) if !open => *text = format!("({} characters)", text.chars().count()),
        Value::Number(_) if !open => *value = "(a number)".into(),
        _ => {}
    }
}

/// A parked operation with what it takes to end it.
fn with_taking<T>(
    tx: &Tx<'_>,
    op: &ParkedOp,
    work: impl FnOnce(&Taking<'_>) -> Result<T, StorageError>,
) -> Result<T, CliError> {
    let device = tx.device(&op.device_id)?.ok_or_else(|| {
        CliError::Refused(format!(
            "device `{}` of operation `{}` is gone",
            op.device_id, op.envelope.op_id
        ))
    })?;
    let (rules, calendar) = (tx.rules()?, tx.calendar()?);
    Ok(work(&Taking {
        device: &device,
        rules: &rules,
        calendar,
        now_ms: SystemClock.now_ms(),
    })?)
}

fn before(op_id: &str) -> CliError {
    CliError::Refused(format!("`{op_id}` was replayed or discarded before"))
}

fn replay(data: &DataArgs, op_id: Option<&str>) -> Result<(), CliError> {
    let database = data.open()?;
    let waiting: Vec<ParkedOp> = database.read::<_, CliError>(|tx| match op_id {
        Some(op_id) => Ok(vec![tx.parked_op(op_id)?.ok_or_else(|| unknown(op_id))?]),
        None => Ok(tx.parked_ops(false)?),
    })?;
    for op in waiting {
        let id = op.envelope.op_id.as_str();
        // One transaction: the effect, the result and the word to the phones, or none of them.
        let result = database.write(|tx| with_taking(tx, &op, |taking| taking.replay(tx, id)))?;
        let Some(result) = result else {
            if op_id.is_some() {
                return Err(before(id));
            }
            continue;
        };
        let state = match result.status {
            OpStatus::Applied => "applied",
            OpStatus::Merged => "merged",
            OpStatus::Duplicate => "duplicate",
            OpStatus::Rejected => "rejected",
            OpStatus::Parked => "still parked",
        };
        say!("{id}  {state}  {}", result.reason.unwrap_or_default());
    }
    Ok(())
}

fn discard(data: &DataArgs, op_id: &str, reason: &str) -> Result<(), CliError> {
    let reason = stated_reason(reason)?;
    let result = data.open()?.write(|tx| {
        let op = tx.parked_op(op_id)?.ok_or_else(|| unknown(op_id))?;
        with_taking(tx, &op, |taking| taking.discard(tx, op_id, reason))
    })?;
    result.ok_or_else(|| before(op_id))?;
    say!("discarded {op_id}; its clerk sees that after the next pull");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_of_a_person_is_covered() {
        let mut value = serde_json::json!({
            "op": "add_note",
            "note": { "id": "n-1", "member_id": "13812341234", "text": "对青霉素过敏", "at_ms": 5, "systolic": 150,
                      "tags": ["老邻居"], "supersedes": null }
        });
        cover(&mut value, "");
        assert_eq!(
            value,
            serde_json::json!({
                "op": "add_note",
                "note": { "id": "n-1", "member_id": "138****1234", "text": "(6 characters)", "at_ms": 5,
                          "systolic": "(a number)", "tags": ["(3 characters)"], "supersedes": null }
            })
        );
    }
}
