//! Campaigns: from a list of members to tasks in the stores, and what came of it.
//!
//! | module | what belongs there |
//! |---|---|
//! | [`create`] | arms, tasks, allotment to clerks |
//! | [`effect`] | lift, return and gross figures |
//! | [`script`] | templates and scripts from files |
//!
//! The exact definitions stand in `docs/campaigns.md`.

pub mod create;
pub mod effect;
pub mod script;

use crate::storage::StorageError;

/// Why a campaign was refused.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// The database refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A value is out of range.
    #[error("{what}: {reason}")]
    Value {
        /// Which value, for example `--holdout`.
        what: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The name is taken.
    #[error("there is a campaign named `{0}` already; choose another --name")]
    NameTaken(String),
    /// The list names members that do not exist.
    #[error(
        "the list names {count} members that do not exist, the first in line {line}: `{id}`; correct the list or import the members first"
    )]
    UnknownMembers {
        /// How many.
        count: usize,
        /// Line of the first one.
        line: usize,
        /// Its id.
        id: String,
    },
    /// Nobody is left to assign.
    #[error("no member is left to assign: {0}")]
    Nobody(&'static str),
    /// The script breaks the rules for texts.
    #[error("the text breaks the rules: {0}")]
    Script(String),
    /// There is no such campaign.
    #[error("no campaign `{0}`; see `yaoban-hub campaign list`")]
    Unknown(String),
}
