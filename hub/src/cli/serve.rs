//! `yaoban-hub serve`.

use clap::Args;

use super::{CliError, DataArgs};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `serve`.
pub fn run(args: &ServeArgs) -> Result<(), CliError> {
    args.data.open()?;
    Err(CliError::Refused("`serve` is not built yet".into()))
}
