//! `yaoban-hub campaign`: make, list and measure campaigns.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use yaoban_domain::codes::{ContactPurpose, TaskKind};

use super::audience::read_rule;
use super::{CliError, DataArgs, read_text};
use crate::campaign::CampaignError;
use crate::campaign::create::{Created, Plan, create, read_list};
use crate::campaign::effect::{ArmFigures, Effect, Range, effect};
use crate::clock::{Clock as _, SystemClock};
use crate::figures::audience::select;
use crate::storage::sqlite::Database;

/// Arguments of `campaign`.
#[derive(Debug, Args)]
pub struct CampaignArgs {
    #[command(subcommand)]
    command: CampaignCommand,
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Choose members, hold some out, and give the stores a task for each of the others.
    Create(Box<CreateArgs>),
    /// Show all campaigns.
    List {
        #[command(flatten)]
        data: DataArgs,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Measure a campaign: what it brought beside those held out.
    Effect {
        #[command(flatten)]
        data: DataArgs,
        /// Id or name.
        campaign: String,
        /// Count purchases and contacts up to this day; today if not told.
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Name, as clerks see it; each only once.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    whom: Whom,
    /// How the tasks are carried out: call, sms, wechat, in_store, pharmacist.
    #[arg(long, value_name = "K")]
    kind: TaskKind,
    /// service or marketing.
    #[arg(long, value_name = "P")]
    purpose: ContactPurpose,
    /// What to say or send: a text file, or a template in JSON.
    #[arg(long, value_name = "F")]
    script: PathBuf,
    /// First day, on which members are assigned; today if not told.
    #[arg(long, value_name = "DATE")]
    start: Option<NaiveDate>,
    /// Days from the start in which purchases count.
    #[arg(long, value_name = "N", default_value_t = 30)]
    window_days: i64,
    /// What it costs, in yuan; without it there is no ROI.
    #[arg(long, value_name = "YUAN")]
    cost: Option<String>,
    /// Share of members held out to measure by, in per cent; 0 for none.
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    holdout: u32,
    /// Last day of the tasks; the last day of the window if not told.
    #[arg(long, value_name = "DATE")]
    due: Option<NaiveDate>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// Members that a rule selects on the first day (JSON, see docs/audience.md).
    #[arg(long, value_name = "F")]
    rule: Option<PathBuf>,
    /// Members in a list, one id a line.
    #[arg(long, value_name = "F")]
    members: Option<PathBuf>,
}

/// Runs `campaign`.
pub fn run(args: &CampaignArgs) -> Result<(), CliError> {
    match &args.command {
        CampaignCommand::Create(args) => run_create(args),
        CampaignCommand::List { data, json } => run_list(data, *json),
        CampaignCommand::Effect {
            data,
            campaign,
            as_of,
            json,
        } => run_effect(data, campaign, *as_of, *json),
    }
}

fn today(database: &Database) -> Result<NaiveDate, CliError> {
    database.read(|tx| Ok(tx.calendar()?.day(SystemClock.now_ms())))
}

fn run_create(args: &CreateArgs) -> Result<(), CliError> {
    let database = args.data.open()?;
    let start = args.start.map_or_else(|| today(&database), Ok)?;
    let (members, audience) = chosen(&database, &args.whom, start)?;
    let plan = Plan {
        name: args.name.trim().to_owned(),
        kind: args.kind,
        purpose: args.purpose,
        script: read_text(&args.script)?,
        start,
        due: args.due,
        window_days: args.window_days,
        cost_fen: args.cost.as_deref().map(fen).transpose()?,
        holdout_percent: args.holdout,
        audience,
    };
    let created =
        create(&database, &plan, &members, SystemClock.now_ms(), &mut progress).map_err(CliError::refused)?;
    if args.json {
        say!("{}", serde_json::to_string(&created).map_err(CliError::refused)?);
    } else {
        say!("{}", created_text(&created).trim_end());
    }
    Ok(())
}

/// The members, and the rule in its canonical form if there is one.
fn chosen(
    database: &Database,
    whom: &Whom,
    start: NaiveDate,
) -> Result<(BTreeSet<String>, Option<String>), CliError> {
    match (&whom.rule, &whom.members) {
        (Some(rule), _) => by_rule(database, rule, start),
        (None, Some(list)) => {
            let text = read_text(list)?;
            let listed = database.read(|tx| read_list(tx, &text));
            let members =
                listed.map_err(|error| CliError::Refused(format!("{}: {error}", list.display())))?;
            Ok((members, None))
        }
        (None, None) => Err(CliError::Refused("pass --rule F or --members F".to_owned())),
    }
}

fn by_rule(
    database: &Database,
    rule: &Path,
    start: NaiveDate,
) -> Result<(BTreeSet<String>, Option<String>), CliError> {
    let audience = read_rule(rule)?;
    let rules = database.read::<_, CliError>(|tx| Ok(tx.rules()?))?;
    let members = select(database, &audience, start, &rules)?;
    Ok((members.into_iter().collect(), Some(audience.to_json())))
}

/// Yuan with at most two decimals, in fen.
fn fen(text: &str) -> Result<i64, CliError> {
    let wrong = || {
        CliError::Refused(format!(
            "--cost {text}: expected yuan with at most two decimals, like 500 or 99.50"
        ))
    };
    let (yuan, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if yuan.is_empty() || yuan.len() > 12 || decimals.len() > 2 || !digits(yuan) || !digits(decimals) {
        return Err(wrong());
    }
    format!("{yuan}{decimals:0<2}").parse().map_err(|_| wrong())
}

/// Tells on a terminal how far the assignment is.
fn progress(done: usize, of: usize) {
    if std::io::stderr().is_terminal() {
        let end = if done == of { "\n" } else { "" };
        eprint!("\rassigned {done} of {of} members{end}");
        // Progress that cannot be shown is no reason to stop.
        let _ = std::io::Write::flush(&mut std::io::stderr());
    }
}

fn created_text(created: &Created) -> String {
    let mut text = format!(
        "campaign {} ({}): {} members assigned, {} held out, {} tasks in {} stores\n",
        created.campaign_id,
        created.name,
        created.assigned,
        created.holdout,
        created.tasks,
        created.stores.len()
    );
    if created.without_store > 0 {
        let _ = writeln!(
            text,
            "{} members have no store: assigned, but without a task",
            created.without_store
        );
    }
    if created.left_out > 0 {
        let _ = writeln!(
            text,
            "{} members were left out: deceased or erased",
            created.left_out
        );
    }
    text
}

fn run_list(data: &DataArgs, json: bool) -> Result<(), CliError> {
    let campaigns = data.open()?.read(|tx| {
        let campaigns = tx.campaigns()?;
        campaigns
            .into_iter()
            .map(|campaign| Ok((tx.campaign_counts(&campaign.id)?, campaign)))
            .collect::<Result<Vec<_>, CliError>>()
    })?;
    if json {
        let list: Vec<_> = campaigns
            .iter()
            .map(|(counts, campaign)| {
                serde_json::json!({
                    "campaign_id": campaign.id, "name": campaign.name, "kind": campaign.kind,
                    "purpose": campaign.purpose, "start": campaign.start, "due": campaign.due,
                    "window_days": campaign.window_days, "cost_fen": campaign.cost_fen,
                    "holdout": campaign.holdout_percent, "ready": campaign.ready, "members": counts.members,
                    "tasks": counts.tasks, "done": counts.done,
                })
            })
            .collect();
        say!("{}", serde_json::Value::Array(list));
        return Ok(());
    }
    say!(
        "{:6}  {:10}  {:10}  {:10}  {:9}  {:>7}  {:>7}  {:>7}  NAME",
        "ID",
        "START",
        "DUE",
        "KIND",
        "PURPOSE",
        "MEMBERS",
        "TASKS",
        "DONE"
    );
    for (counts, campaign) in campaigns {
        say!(
            "{:6}  {}  {}  {:10}  {:9}  {:>7}  {:>7}  {:>7}  {}{}",
            campaign.id,
            campaign.start,
            campaign.due,
            campaign.kind,
            campaign.purpose,
            counts.members,
            counts.tasks,
            counts.done,
            campaign.name,
            if campaign.ready {
                ""
            } else {
                "  (broke off: run the same `campaign create` again)"
            }
        );
    }
    Ok(())
}

fn run_effect(data: &DataArgs, campaign: &str, as_of: Option<NaiveDate>, json: bool) -> Result<(), CliError> {
    let database = data.open()?;
    let as_of = as_of.map_or_else(|| today(&database), Ok)?;
    let measured: Result<Effect, CampaignError> = database.read(|tx| effect(tx, campaign, as_of));
    let effect = measured.map_err(CliError::refused)?;
    if json {
        say!("{}", serde_json::to_string(&effect).map_err(CliError::refused)?);
    } else {
        say!("{}", effect_text(&effect).trim_end());
    }
    Ok(())
}

fn yuan(fen: i64) -> String {
    format!(
        "{}{}.{:02}",
        if fen < 0 { "-" } else { "" },
        fen.abs() / 100,
        fen.abs() % 100
    )
}

fn effect_text(effect: &Effect) -> String {
    let percent =
        |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let range = |range: Option<Range>, show: &dyn Fn(f64) -> String| {
        range.map_or_else(
            || "– (not known)".to_owned(),
            |r| format!("{} (95 %: {} to {})", show(r.value), show(r.low), show(r.high)),
        )
    };
    let arm = |name: &str, arm: &ArmFigures| {
        format!(
            "{name:9}  {:>8} members  {:>8} buyers  {:>8}  {:>14} yuan\n",
            arm.members,
            arm.buyers,
            percent(arm.buyer_share),
            yuan(arm.amount_fen)
        )
    };
    let state = if effect.complete {
        "complete"
    } else {
        "still running"
    };
    let mut text = format!(
        "{} ({}): {} to {}, {} days, {state}\n\nby assignment, from the day of assignment\n",
        effect.name, effect.campaign_id, effect.start, effect.window_end, effect.window_days
    );
    text += &arm("treated", &effect.treated);
    text += &arm("held out", &effect.holdout);
    let share = |value: f64| format!("{:+.1} %", value * 100.0);
    let _ = writeln!(text, "lift       {}", range(effect.lift, &share));
    let money = |value: f64| format!("{} yuan", yuan(value.round() as i64));
    let _ = writeln!(
        text,
        "margin     {}",
        range(effect.incremental_margin_fen, &money)
    );
    let _ = writeln!(
        text,
        "ROI        {}",
        range(effect.roi, &|value| format!("{value:+.2}"))
    );
    let _ = writeln!(
        text,
        "\ngross, from the contact on (compares with nothing)\nreached {}, answered {}, repurchased {} ({}), {} yuan",
        effect.gross.reached,
        effect.gross.answered,
        effect.gross.buyers,
        percent(effect.gross.repurchase_share),
        yuan(effect.gross.amount_fen)
    );
    let tasks: Vec<String> = effect
        .tasks
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    text + &format!(
        "tasks: {}\n",
        if tasks.is_empty() {
            "none".to_owned()
        } else {
            tasks.join(", ")
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_become_fen_or_are_refused() {
        assert_eq!(fen("500").unwrap(), 50_000);
        assert_eq!(fen("99.5").unwrap(), 9_950);
        assert_eq!(fen("0.07").unwrap(), 7);
        for wrong in ["", "-1", "1.234", "1,000", "a", ".5", "9999999999999"] {
            assert!(fen(wrong).is_err(), "{wrong}");
        }
        assert_eq!(yuan(-5), "-0.05");
        assert_eq!(yuan(123_456), "1234.56");
    }
}
