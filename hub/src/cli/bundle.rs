//! `yaoban-hub bundle`: diagnostic bundles that phones made.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CliError, DataArgs};
use crate::support::{self, BUNDLE_BYTES_MAX};

/// Arguments of `bundle`.
#[derive(Debug, Args)]
pub struct BundleArgs {
    #[command(subcommand)]
    command: BundleCommand,
}

#[derive(Debug, Subcommand)]
enum BundleCommand {
    /// Open a bundle and print it as JSON. It holds no personal data.
    Open {
        #[command(flatten)]
        data: DataArgs,
        /// File that a phone made.
        file: PathBuf,
    },
}

/// Runs `bundle`.
pub fn run(args: &BundleArgs) -> Result<(), CliError> {
    let BundleCommand::Open { data, file } = &args.command;
    let failed = |source| CliError::File {
        action: "read",
        path: file.clone(),
        source,
    };
    if std::fs::metadata(file).map_err(failed)?.len() > BUNDLE_BYTES_MAX {
        return Err(CliError::Refused(format!(
            "{} is larger than any bundle",
            file.display()
        )));
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    let opened = support::open(&data.dir, &bytes).map_err(CliError::refused)?;
    say!("{}", String::from_utf8_lossy(&opened));
    Ok(())
}
