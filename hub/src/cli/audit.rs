//! `yaoban-hub audit`: the audit trail.

use clap::{Args, Subcommand};

use super::{CliError, DataArgs};
use crate::storage::sqlite::audit::AuditCheck;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that no row was changed, removed or put in between.
    Verify {
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs `audit`.
pub fn run(args: &AuditArgs) -> Result<(), CliError> {
    let AuditCommand::Verify { data } = &args.command;
    match data.open()?.read::<_, CliError>(|tx| Ok(tx.audit_check()?))? {
        AuditCheck::Whole { rows, head } => {
            say!("whole: {rows} rows\nhead {head}");
            Ok(())
        }
        AuditCheck::Broken { audit_key } => Err(CliError::Refused(format!(
            "the audit trail is broken at row {audit_key}: it was changed, or a row before it is missing"
        ))),
    }
}
