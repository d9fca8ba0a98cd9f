//! `yaoban-hub pair`.

use clap::Args;

use super::{CliError, DataArgs};

/// Arguments of `pair`.
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `pair`.
pub fn run(args: &PairArgs) -> Result<(), CliError> {
    args.data.open()?;
    Err(CliError::Refused("`pair` is not built yet".into()))
}
