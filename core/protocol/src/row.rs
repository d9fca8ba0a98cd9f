//! What travels down: the newest state of rows, scope by scope.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Kinds of rows. A row's id is unique within its entity and scope.
pub mod entity {
    /// [`yaoban_domain::model::Member`], id = member id.
    pub const MEMBER: &str = "member";
    /// [`super::Purchases`], id = member id: all lines of the member that a phone holds.
    pub const PURCHASES: &str = "purchases";
    /// [`yaoban_domain::model::Reading`], id = reading id.
    pub const READING: &str = "reading";
    /// [`yaoban_domain::model::Note`], id = note id.
    pub const NOTE: &str = "note";
    /// [`yaoban_domain::model::CareTask`], id = task id.
    pub const TASK: &str = "task";
    /// [`yaoban_domain::model::Attempt`], id = attempt id.
    pub const ATTEMPT: &str = "attempt";
    /// [`yaoban_domain::model::Send`], id = key of the send.
    pub const SEND: &str = "send";
    /// [`yaoban_domain::model::Store`], id = store id.
    pub const STORE: &str = "store";
    /// [`yaoban_domain::model::Staff`], id = staff id.
    pub const STAFF: &str = "staff";
    /// [`yaoban_domain::model::Drug`], id = drug id.
    pub const DRUG: &str = "drug";
    /// [`yaoban_domain::model::Stock`], id = drug id.
    pub const STOCK: &str = "stock";
    /// [`yaoban_domain::model::Template`], id = template id.
    pub const TEMPLATE: &str = "template";
    /// [`yaoban_domain::model::ClassModel`], id = `model`.
    pub const MODEL: &str = "model";
    /// [`yaoban_domain::rules::Rules`], id = `rules`.
    pub const RULES: &str = "rules";
    /// [`super::Campaign`], id = campaign id.
    pub const CAMPAIGN: &str = "campaign";
    /// [`crate::op::OpResult`], id = operation id: what became of an operation that was parked.
    pub const OP_RESULT: &str = "op_result";
    /// [`super::DuplicatePair`], id = both member ids joined by `+`.
    pub const DUPLICATE: &str = "duplicate";
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The row is now as in `body`.
    Put,
    /// The row left this scope. It is not deleted: another scope may hold it.
    Evict,
    /// The member's data are erased everywhere (id = member id, entity = member).
    Erase,
}

/// One change of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Position in the scope; rises, at most one a row.
    pub seq: u64,
    /// See [`entity`]; an unknown one is kept.
    pub entity: String,
    /// Id of the row.
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// The record in CBOR (see [`crate::codec::to_cbor`]) for a put, else empty.
    #[serde(default)]
    pub body: ByteBuf,
}

/// The purchase lines of one member that a phone holds (24 months), column by column, ordered by
/// day, then second. All columns have the same length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchases {
    /// Whose.
    pub member_id: String,
    /// Business dates as days since 1970-01-01.
    pub days: Vec<i32>,
    /// Second of the day, -1 if not told.
    pub seconds: Vec<i32>,
    /// Drug ids, index into `drugs`; -1 if not told.
    pub drug_index: Vec<i32>,
    /// The distinct drug ids.
    pub drugs: Vec<String>,
    /// Store ids, index into `stores`; -1 if not told.
    pub store_index: Vec<i32>,
    /// The distinct store ids.
    pub stores: Vec<String>,
    /// Packs in thousandths, negative for a return.
    pub quantities_milli: Vec<i64>,
    /// Fen, negative for a return.
    pub amounts_fen: Vec<i64>,
}

/// What a phone knows of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// First day.
    pub start: NaiveDate,
    /// Last day of its tasks.
    pub due: NaiveDate,
}

/// Two members on one number who may be the same person, for the store manager to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicatePair {
    /// The member registered first.
    pub first: String,
    /// The other one.
    pub second: String,
    /// `open`, `merged` or `apart`.
    pub state: String,
}
