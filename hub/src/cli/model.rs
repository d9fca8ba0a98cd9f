//! `yaoban-hub model`: the class model that phones score by.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use yaoban_domain::model::ClassModel;
use yaoban_protocol::row::entity;

use super::{CliError, DataArgs};
use crate::figures::Chain;
use crate::storage::sqlite::Database;
use crate::storage::sqlite::scope::CATALOGUE;
use crate::storage::{Records as _, StorageError};

/// Arguments of `model`.
#[derive(Debug, Args)]
pub struct ModelArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    /// Fit the cut points at a date and publish them to the phones.
    Publish(PublishArgs),
}

#[derive(Debug, Args)]
struct PublishArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The date as of which the cut points are fitted.
    #[arg(long, value_name = "DATE")]
    as_of: NaiveDate,
}

/// Runs `model`.
pub fn run(args: &ModelArgs) -> Result<(), CliError> {
    let ModelCommand::Publish(args) = &args.command;
    let database = args.data.open()?;
    let model = publish(&database, args.as_of)?;
    match &model.cut_points {
        Some(cuts) => say!(
            "published model {} as of {}: recency {:?} days, frequency {:?} visits, monetary {:?} fen",
            model.version,
            args.as_of,
            cuts.recency,
            cuts.frequency,
            cuts.monetary
        ),
        None => say!(
            "published model {} as of {}: no active member, no cut points",
            model.version,
            args.as_of
        ),
    }
    Ok(())
}

/// Fits the cut points at a date and publishes them.
pub fn publish(database: &Database, as_of: NaiveDate) -> Result<ClassModel, StorageError> {
    let (cut_points, price_ranks_ppm) = database.read::<_, StorageError>(|tx| {
        let rules = tx.rules()?;
        let chain = Chain::load(tx, as_of, &rules)?;
        let ranks = chain.price_ranks_ppm(tx)?;
        Ok((chain.cut_points, ranks))
    })?;
    database.write(|tx| {
        let before: ClassModel = tx.setting("model")?.unwrap_or_default();
        let model = ClassModel {
            version: before.version + 1,
            as_of: Some(as_of),
            cut_points,
            price_ranks_ppm,
        };
        let body = serde_json::to_string(&model).map_err(|error| StorageError::Record {
            entity: "model",
            id: "model".to_owned(),
            reason: error.to_string(),
        })?;
        tx.set_meta("model", &body)?;
        tx.touch_many(CATALOGUE, entity::MODEL, &["model"])?;
        Ok(model)
    })
}
