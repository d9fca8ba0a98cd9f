//! `yaoban-hub classes`: the chain's classes at a date. Publishes nothing.

use std::io::{BufWriter, Write as _};

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};
use yaoban_domain::class::Board;
use yaoban_domain::codes::Code as _;

use super::{CliError, DataArgs, wrote};
use crate::figures::Chain;
use crate::storage::StorageError;
use crate::storage::sqlite::Tx;

/// Arguments of `classes`.
#[derive(Debug, Args)]
pub struct ClassesArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The date as of which figures, cut points and classes are made.
    #[arg(long, value_name = "DATE")]
    as_of: NaiveDate,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// After the board also print one line of JSON for each member, by id.
    #[arg(long)]
    members: bool,
}

/// Runs `classes`.
pub fn run(args: &ClassesArgs) -> Result<(), CliError> {
    let database = args.data.open()?;
    database.read(|tx| {
        let rules = tx.rules()?;
        let chain = Chain::load(tx, args.as_of, &rules)?;
        print(args, tx, &chain)
    })
}

fn print(args: &ClassesArgs, tx: &Tx<'_>, chain: &Chain) -> Result<(), CliError> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let board = chain.board();
    if args.json {
        wrote(writeln!(out, "{}", board_json(chain, &board)))?;
    } else {
        wrote(write_table(&mut out, chain, &board))?;
    }
    if args.members {
        let mut result = Ok(());
        tx.each_member_id(|key, id| {
            if let (true, Some((figures, verdict))) = (result.is_ok(), chain.member(key)) {
                let scores = verdict.scores;
                result = writeln!(
                    out,
                    "{}",
                    json!({
                        "member_id": id, "recency": figures.recency, "frequency": figures.frequency,
                        "monetary_fen": figures.monetary_fen, "basket_fen": figures.basket_fen,
                        "r": scores.r, "f": scores.f, "m": scores.m, "h": scores.h,
                        "class": verdict.class.code(), "value_index": verdict.value_index,
                    })
                );
            }
        })
        .map_err(|error: StorageError| CliError::Storage(error))?;
        wrote(result)?;
    }
    wrote(out.flush())
}

fn board_json(chain: &Chain, board: &Board) -> Value {
    let classes: Vec<Value> = board
        .rows()
        .map(|(class, row)| {
            json!({
                "class": class.code(), "members": row.members, "spend_fen": row.spend_fen,
                "basket_fen": row.basket_fen(), "frequency_mean": row.frequency_mean(),
                "recency_mean": row.recency_mean(),
            })
        })
        .collect();
    json!({
        "as_of": chain.as_of(), "members": chain.members, "active": chain.active,
        "cut_points": chain.cut_points, "classes": classes,
    })
}

fn write_table(out: &mut impl std::io::Write, chain: &Chain, board: &Board) -> std::io::Result<()> {
    writeln!(
        out,
        "as of {}: {} members, {} active",
        chain.as_of(),
        chain.members,
        chain.active
    )?;
    if let Some(cuts) = &chain.cut_points {
        writeln!(
            out,
            "cut points: recency {:?} days, frequency {:?} visits, monetary {:?} fen",
            cuts.recency, cuts.frequency, cuts.monetary
        )?;
    }
    let total = board.total();
    let share = |part: i64, whole: i64| {
        if whole == 0 {
            0.0
        } else {
            100.0 * part as f64 / whole as f64
        }
    };
    let mean = |mean: Option<f64>| mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.1}"));
    writeln!(
        out,
        "class      members  heads %  spend %    basket   visits  days ago"
    )?;
    for (class, row) in board.rows() {
        let basket = row
            .basket_fen()
            .map_or_else(|| "-".to_owned(), |fen| format!("{:.2}", fen as f64 / 100.0));
        writeln!(
            out,
            "{:<9}{:>9}{:>9.1}{:>9.1}{:>10}{:>9}{:>10}",
            class.code(),
            row.members,
            share(row.members, total.members),
            share(row.spend_fen, total.spend_fen),
            basket,
            mean(row.frequency_mean()),
            mean(row.recency_mean())
        )?;
    }
    Ok(())
}
