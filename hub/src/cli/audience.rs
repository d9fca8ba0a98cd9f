//! `yaoban-hub audience`: which members a rule selects at a date.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;
use yaoban_domain::audience::Audience;

use super::{CliError, DataArgs};
use crate::figures::audience::{select, select_keys};
use crate::storage::StorageError;

/// A rule is a page of text; anything larger is another file.
const RULE_BYTES_MAX: u64 = 1 << 20;

/// Arguments of `audience`.
#[derive(Debug, Args)]
pub struct AudienceArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The date as of which the rule is asked.
    #[arg(long, value_name = "DATE")]
    as_of: NaiveDate,
    /// The rule, as JSON (docs/audience.md).
    #[arg(long, value_name = "FILE")]
    rule: PathBuf,
    /// Also print the members' ids.
    #[arg(long)]
    ids: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Reads a rule from a file.
pub fn read_rule(path: &std::path::Path) -> Result<Audience, CliError> {
    let failed = |source| CliError::File {
        action: "read",
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > RULE_BYTES_MAX {
        return Err(CliError::Refused(format!(
            "{} is larger than 1 MiB, no rule is",
            path.display()
        )));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Audience::from_json(&text).map_err(|error| CliError::Refused(format!("{}: {error}", path.display())))
}

/// Runs `audience`.
pub fn run(args: &AudienceArgs) -> Result<(), CliError> {
    let audience = read_rule(&args.rule)?;
    let database = args.data.open()?;
    let rules = database.read::<_, StorageError>(|tx| tx.rules())?;
    let (members, ids) = if args.ids {
        let ids = select(&database, &audience, args.as_of, &rules)?;
        (ids.len(), Some(ids))
    } else {
        (select_keys(&database, &audience, args.as_of, &rules)?.len(), None)
    };
    match (args.json, ids) {
        (true, Some(ids)) => say!(
            "{}",
            json!({ "as_of": args.as_of, "members": members, "ids": ids })
        ),
        (true, None) => say!("{}", json!({ "as_of": args.as_of, "members": members })),
        (false, ids) => {
            say!("as of {}: {members} members", args.as_of);
            for id in ids.unwrap_or_default() {
                say!("{id}");
            }
        }
    }
    Ok(())
}
