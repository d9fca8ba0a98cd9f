//! `yaoban-hub pair`: a one-time code that makes a phone one of a store's.

use clap::Args;
use yaoban_protocol::pair::PairCode;

use super::{CliError, DataArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::serve::pairing::{Whom, make_code};
use crate::serve::run::{fingerprint, phone_url};

/// Arguments of `pair`.
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    whom: WhomArgs,
    /// Address that the code carries, in place of the one given to `init`.
    #[arg(long)]
    url: Option<url::Url>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhomArgs {
    /// The phone is for everybody in this store.
    #[arg(long, value_name = "ID")]
    store: Option<String>,
    /// The phone is for this member of staff, in its store.
    #[arg(long, value_name = "ID")]
    staff: Option<String>,
}

/// Runs `pair`: the code goes to standard output, alone.
pub fn run(args: &PairArgs) -> Result<(), CliError> {
    let whom = match (&args.whom.store, &args.whom.staff) {
        (Some(store_id), _) => Whom::Store(store_id.clone()),
        (None, Some(staff_id)) => Whom::Staff(staff_id.clone()),
        (None, None) => return Err(CliError::Refused("pass --store ID or --staff ID".to_owned())),
    };
    let database = args.data.open()?;
    let url = match &args.url {
        Some(url) => url.to_string(),
        None => database
            .read::<_, CliError>(|tx| Ok(phone_url(tx)?))?
            .ok_or_else(|| {
                CliError::Refused(
                    "this hub has no address yet; start `yaoban-hub serve`, or pass --url https://…"
                        .to_owned(),
                )
            })?,
    };
    if !url.starts_with("https://") {
        return Err(CliError::Refused(format!(
            "the address {url} is not https, pass --url https://…"
        )));
    }
    let fingerprint = fingerprint(database.dir(), &url).map_err(CliError::refused)?;
    let made = database.write(|tx| make_code(tx, &whom, SystemClock.now_ms()));
    let secret = made.map_err(CliError::refused)?;
    say!(
        "{}",
        PairCode {
            url,
            fingerprint,
            secret
        }
        .to_text()
    );
    eprintln!(
        "holds 24 hours, for one phone; give it on the phone, or run: yaoban-clerk --home DIR pair CODE"
    );
    Ok(())
}
