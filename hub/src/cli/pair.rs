//! `yaoban-hub pair`: a one-time code that makes a phone one of a store's.

use clap::Args;
use yaoban_protocol::pair::PairCode;

use super::{CliError, DataArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::serve::run::{fingerprint, phone_url};
use crate::serve::secrets::{self, PAIR_CODE_LIFE_MS};
use crate::storage::Records as _;
use crate::storage::sqlite::Tx;
use crate::storage::sqlite::audit::AuditEntry;
use crate::storage::sqlite::devices::PairCodeRow;

/// Arguments of `pair`.
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    whom: Whom,
    /// Address that the code carries, in place of the one given to `init`.
    #[arg(long)]
    url: Option<url::Url>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// The phone is for everybody in this store.
    #[arg(long, value_name = "ID")]
    store: Option<String>,
    /// The phone is for this member of staff, in its store.
    #[arg(long, value_name = "ID")]
    staff: Option<String>,
}

/// Runs `pair`.
pub fn run(args: &PairArgs) -> Result<(), CliError> {
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
    let code_id = hex::encode(secrets::random_text(6).map_err(CliError::refused)?);
    let secret = secrets::random_text(18).map_err(CliError::refused)?;
    database.write(|tx| keep(tx, &args.whom, &code_id, &secret))?;
    let code = PairCode {
        url,
        fingerprint,
        secret: format!("{code_id}.{secret}"),
    };
    println!("{}", code.to_text());
    eprintln!(
        "holds 24 hours, for one phone; give it on the phone, or run: yaoban-clerk --home DIR pair CODE"
    );
    Ok(())
}

fn keep(tx: &Tx<'_>, whom: &Whom, code_id: &str, secret: &str) -> Result<(), CliError> {
    let (store_id, staff_id) = store_of(tx, whom)?;
    let now_ms = SystemClock.now_ms();
    let code = PairCodeRow {
        code_id: code_id.to_owned(),
        secret_hash: secrets::secret_hash(secret),
        store_id,
        staff_id,
        created_ms: now_ms,
        expires_ms: now_ms + PAIR_CODE_LIFE_MS,
        used_ms: None,
    };
    tx.insert_pair_code(&code, now_ms - PAIR_CODE_LIFE_MS)?;
    tx.audit(&AuditEntry {
        at_ms: now_ms,
        actor: "cli".to_owned(),
        staff_id: code.staff_id,
        action: "pair_code",
        subject: Some(code.code_id),
        detail: serde_json::json!({ "store": code.store_id }),
    })?;
    Ok(())
}

fn store_of(tx: &Tx<'_>, whom: &Whom) -> Result<(String, Option<String>), CliError> {
    let refused = |text: String| Err(CliError::Refused(text));
    let (store_id, staff_id) = match (&whom.store, &whom.staff) {
        (Some(store_id), _) => (store_id.clone(), None),
        (None, Some(staff_id)) => {
            let Some(staff) = tx.staff(staff_id)? else {
                return refused(format!(
                    "no member of staff `{staff_id}`; import the staff, or check the id"
                ));
            };
            let Some(store_id) = staff.store_id else {
                return refused(format!("`{staff_id}` belongs to no store; pair with --store ID"));
            };
            if !staff.active {
                return refused(format!("`{staff_id}` no longer works here"));
            }
            (store_id, Some(staff_id.clone()))
        }
        (None, None) => return refused("pass --store ID or --staff ID".to_owned()),
    };
    if tx.store(&store_id)?.is_none() {
        return refused(format!(
            "no store `{store_id}`; import the stores, or check the id"
        ));
    }
    Ok((store_id, staff_id))
}
