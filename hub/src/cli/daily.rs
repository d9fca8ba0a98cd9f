//! `yaoban-hub daily`: the work that a serving hub does by itself once a day.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use clap::Args;

use super::{CliError, DataArgs};
use crate::clock::{Clock as _, SystemClock};
use crate::daily;

/// Arguments of `daily`.
#[derive(Debug, Args)]
pub struct DailyArgs {
    #[command(flatten)]
    data: DataArgs,
    /// As if it were noon of this day; now if not told.
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
}

/// Runs `daily` and prints what was done, as JSON.
pub fn run(args: &DailyArgs) -> Result<(), CliError> {
    let database = args.data.open()?;
    let now_ms = match args.as_of {
        None => SystemClock.now_ms(),
        Some(day) => database.read::<_, CliError>(|tx| {
            Ok(tx
                .calendar()?
                .instant_ms(day.and_time(NaiveTime::MIN) + TimeDelta::hours(12)))
        })?,
    };
    let done = daily::run(&database, now_ms)?;
    say!("{}", serde_json::to_string(&done).map_err(CliError::refused)?);
    Ok(())
}
