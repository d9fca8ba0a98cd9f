//! `yaoban-hub campaign`.

use clap::Args;

use super::{CliError, DataArgs};

/// Arguments of `campaign`.
#[derive(Debug, Args)]
pub struct CampaignArgs {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs `campaign`.
pub fn run(args: &CampaignArgs) -> Result<(), CliError> {
    args.data.open()?;
    Err(CliError::Refused("`campaign` is not built yet".into()))
}
