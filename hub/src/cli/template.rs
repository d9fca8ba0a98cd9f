//! `yaoban-hub template`.

use clap::Args;

use super::{CliError, DataArgs};

/// Arguments of `template`.
#[derive(Debug, Args)]
pub struct TemplateArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `template`.
pub fn run(args: &TemplateArgs) -> Result<(), CliError> {
    args.data.open()?;
    Err(CliError::Refused("`template` is not built yet".into()))
}
