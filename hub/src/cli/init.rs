//! `yaoban-hub init`: a new, empty data directory.

use clap::Args;
use url::Url;

use super::{CliError, DataArgs};
use crate::storage::sqlite::Database;
use crate::support;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Name of the chain, as phones show it.
    #[arg(long)]
    name: String,
    /// Address under which phones reach this hub, for example https://hub.example:8443.
    #[arg(long)]
    url: Option<Url>,
}

/// Runs `init`.
pub fn run(args: &InitArgs) -> Result<(), CliError> {
    let name = args.name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(CliError::Refused(
            "the name of the chain must have 1 to 100 characters, pass --name".into(),
        ));
    }
    if let Some(url) = &args.url
        && url.scheme() != "https"
    {
        return Err(CliError::Refused(format!(
            "the address {url} is not https, pass --url https://…"
        )));
    }
    let database = Database::create(&args.data.dir, name, args.url.as_ref())?;
    support::public_key(&database).map_err(CliError::refused)?;
    say!("initialised {} for {name}", database.dir().display());
    Ok(())
}
