//! `yaoban-hub import`: the chain's files into the database.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{CliError, DataArgs};
use crate::clock::SystemClock;
use crate::import::{FileKind, Options, run as import};

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Files are CSV (UTF-8 or GB18030) or XLSX, with English or Chinese headers; docs/import.md \
                        lists them. Rejected rows go to DIR/rejects/<file>.csv and never stop the rest."
)]
pub struct ImportArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Tell what would happen and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct FileArgs {
    /// Stores.
    #[arg(long, value_name = "FILE")]
    stores: Option<PathBuf>,
    /// Staff.
    #[arg(long, value_name = "FILE")]
    staff: Option<PathBuf>,
    /// Drugs and other articles.
    #[arg(long, value_name = "FILE")]
    drugs: Option<PathBuf>,
    /// Members.
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,
    /// Lines of purchases and returns.
    #[arg(long, value_name = "FILE")]
    purchases: Option<PathBuf>,
    /// Readings of blood pressure and glucose.
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// Stock of the stores.
    #[arg(long, value_name = "FILE")]
    stock: Option<PathBuf>,
}

impl FileArgs {
    fn list(&self) -> Vec<(FileKind, PathBuf)> {
        [
            (FileKind::Stores, &self.stores),
            (FileKind::Staff, &self.staff),
            (FileKind::Drugs, &self.drugs),
            (FileKind::Members, &self.members),
            (FileKind::Purchases, &self.purchases),
            (FileKind::Readings, &self.readings),
            (FileKind::Stock, &self.stock),
        ]
        .into_iter()
        .filter_map(|(kind, path)| Some((kind, path.clone()?)))
        .collect()
    }
}

/// Runs `import`.
pub fn run(args: &ImportArgs) -> Result<(), CliError> {
    let database = args.data.open()?;
    let options = Options {
        dry_run: args.dry_run,
        progress: true,
    };
    let reports = import(&database, &args.files.list(), options, &SystemClock)?;
    if args.json {
        say!("{}", json!({ "dry_run": args.dry_run, "files": reports }));
        return Ok(());
    }
    for report in &reports {
        let rejects = match &report.rejects {
            Some(path) if report.rejected > 0 => format!(" (see {})", path.display()),
            _ => String::new(),
        };
        say!(
            "{} {}: accepted {}, unchanged {}, skipped {}, rejected {}{rejects}",
            report.kind.name(),
            report.file,
            report.accepted,
            report.unchanged,
            report.skipped,
            report.rejected
        );
    }
    if args.dry_run {
        say!("dry run: nothing was written");
    }
    Ok(())
}
