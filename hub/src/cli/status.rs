//! `yaoban-hub status`: the hub at a glance.

use clap::Args;

use super::{CliError, DataArgs};
use crate::serve::run::phone_url;
use crate::storage::Records as _;
use crate::storage::sqlite::audit::AuditCheck;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `status`.
pub fn run(args: &StatusArgs) -> Result<(), CliError> {
    let value = args.data.open()?.read::<_, CliError>(|tx| {
        let counts = tx.service_counts()?;
        let records = tx.record_counts()?;
        let audit = match tx.audit_check()? {
            AuditCheck::Whole { rows, .. } => serde_json::json!({ "rows": rows, "whole": true }),
            AuditCheck::Broken { audit_key } => serde_json::json!({ "broken_at": audit_key, "whole": false }),
        };
        Ok(serde_json::json!({
            "chain_name": tx.meta("chain_name")?,
            "url": phone_url(tx)?,
            "epoch": tx.epoch()?,
            "records": records,
            "devices": counts.devices,
            "parked_ops": counts.parked_ops,
            "database_bytes": counts.database_bytes,
            "audit": audit,
        }))
    })?;
    say!(
        "{}",
        serde_json::to_string_pretty(&value).map_err(CliError::refused)?
    );
    Ok(())
}
