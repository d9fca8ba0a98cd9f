//! `yaoban-hub erase`: all data of a member go, at its request.

use clap::Args;

use super::{CliError, DataArgs, stated_reason};
use crate::clock::{Clock as _, SystemClock};
use crate::erasure;
use crate::recordings::Shelf;
use crate::recordings::leave::By;

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Id of the member, or another id of the same person.
    #[arg(long, value_name = "ID")]
    member: String,
    /// Who decided it; goes into the audit trail.
    #[arg(long, value_name = "STAFF")]
    staff: Option<String>,
    /// Why; goes into the audit trail, so no names and no numbers.
    #[arg(long, default_value = "on request")]
    reason: String,
}

/// Runs `erase`.
pub fn run(args: &EraseArgs) -> Result<(), CliError> {
    let reason = stated_reason(&args.reason)?;
    let database = args.data.open()?;
    let shelf = Shelf::open(&database).map_err(CliError::refused)?;
    let by = By {
        actor: "cli",
        staff_id: args.staff.as_deref(),
        now_ms: SystemClock.now_ms(),
    };
    let erased = erasure::erase(&database, &shelf, &args.member, reason, &by).map_err(CliError::refused)?;
    say!(
        "erased {}: {} rows, {} recordings; each phone erases it with its next pull",
        erased.member_id,
        erased.rows,
        erased.recordings
    );
    say!("its id stays taken: no file brings it back. Backups that were made before still hold it");
    Ok(())
}
