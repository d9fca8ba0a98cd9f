//! `yaoban-hub backup` and `yaoban-hub restore`.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, DataArgs};
use crate::backup;
use crate::clock::{Clock as _, SystemClock};

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    data: DataArgs,
    /// File to write; it must not exist.
    file: PathBuf,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    data: DataArgs,
    /// File that `backup` wrote.
    file: PathBuf,
}

/// Runs `backup`.
pub fn run_backup(args: &BackupArgs) -> Result<(), CliError> {
    backup::backup(&args.data.dir, &args.file).map_err(CliError::refused)?;
    say!(
        "backup written to {}; keep {} with it",
        args.file.display(),
        args.data.dir.join("tls").display()
    );
    Ok(())
}

/// Runs `restore`.
pub fn run_restore(args: &RestoreArgs) -> Result<(), CliError> {
    let kept =
        backup::restore(&args.data.dir, &args.file, SystemClock.now_ms()).map_err(CliError::refused)?;
    say!(
        "restored from {}; phones load their store anew and send again what is missing",
        args.file.display()
    );
    if let Some(kept) = kept {
        say!("the database that was there is kept as {}", kept.display());
    }
    Ok(())
}
