//! The records of the domain. They travel on the wire as they stand here (self-describing, fields
//! may be added, never renamed), so a new field carries `#[serde(default)]`.
//!
//! Money is integer fen, glucose integer tenths of mmol/L, quantities thousandths of a pack
//! (loose herbs are sold by weight), dates business dates, instants milliseconds since 1970 UTC.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::codes::{
    CarrierResult, Channel, ConsentPurpose, ContactPurpose, Open, OutcomeCode, ReadingContext, ReadingKind,
    Role, SendState, Sex, TaskKind, TaskOrigin, TaskState,
};

/// Thousandths in one pack, the unit of [`Line::quantity_milli`].
pub const MILLI: i64 = 1000;

/// A member of the chain. Names and numbers are personal data: never logged.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a person, not a state machine"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The chain's id, or a temporary id (`tmp-` and a UUID) until the hub gives one.
    pub id: String,
    /// Home store; a member without one is the chain's.
    pub store_id: Option<String>,
    /// Name as registered.
    pub name: String,
    /// Phone number in normal form (see [`crate::phone`]).
    pub phone: Option<String>,
    /// The number was found not to reach the member.
    #[serde(default)]
    pub phone_invalid: bool,
    /// Sex.
    pub sex: Option<Open<Sex>>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Day of joining; before it the member does not exist.
    pub joined_on: Option<NaiveDate>,
    /// Disease codes (rules, section 2).
    #[serde(default)]
    pub diseases: Vec<String>,
    /// Allergies, shown first.
    #[serde(default)]
    pub allergies: Vec<Allergy>,
    /// Tags, a set in ascending order.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams (72.5 kg = 725).
    pub weight_hg: Option<u16>,
    /// Consents, at most one a purpose and channel, ascending.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// The member's own regimens, at most one an ingredient, ascending.
    #[serde(default)]
    pub regimens: Vec<Regimen>,
    /// All contact pauses up to and including this day.
    #[serde(default)]
    pub paused_until: Option<NaiveDate>,
    /// The member asked for no more marketing.
    #[serde(default)]
    pub do_not_contact: bool,
    /// The member has died.
    #[serde(default)]
    pub deceased: bool,
    /// The member's data were erased.
    #[serde(default)]
    pub erased: bool,
    /// Ask for the right number at the next visit.
    #[serde(default)]
    pub ask_number: bool,
    /// Other ids of the same person (merged or temporary ones).
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Life-time figures, kept by the hub.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// Rises with each change of this record at the hub.
    #[serde(default)]
    pub version: u64,
}

impl Member {
    /// A member of whom nothing is known but the id: of no store, without a name.
    pub fn blank(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            store_id: None,
            name: String::new(),
            phone: None,
            phone_invalid: false,
            sex: None,
            birthday: None,
            joined_on: None,
            diseases: Vec::new(),
            allergies: Vec::new(),
            tags: Vec::new(),
            height_cm: None,
            weight_hg: None,
            consents: Vec::new(),
            regimens: Vec::new(),
            paused_until: None,
            do_not_contact: false,
            deceased: false,
            erased: false,
            ask_number: false,
            aliases: Vec::new(),
            lifetime: Lifetime::default(),
            version: 0,
        }
    }
}

/// An allergy: free text with links to what it concerns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Allergy {
    /// What the member said.
    pub text: String,
    /// Ingredients it concerns.
    #[serde(default)]
    pub ingredients: Vec<String>,
}

/// Life-time figures of a member, over everything ever bought in the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// Visit days (net amount above 0).
    pub times: u32,
    /// Net amount in fen.
    pub total_fen: i64,
    /// Last visit day.
    pub last_visit: Option<NaiveDate>,
}

/// One consent, separate by purpose and channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Consent {
    /// What for.
    pub purpose: Open<ConsentPurpose>,
    /// By which channel; none means every channel of the purpose.
    pub channel: Option<Open<Channel>>,
    /// Given or withdrawn.
    pub granted: bool,
    /// When, UTC.
    pub at_ms: i64,
    /// Version of the wording shown.
    #[serde(default)]
    pub wording_version: String,
    /// Where: a store id, or another place's word.
    #[serde(default)]
    pub place: String,
    /// The clerk who took it.
    #[serde(default)]
    pub staff_id: Option<String>,
}

/// How a member takes one ingredient.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Regimen {
    /// The ingredient.
    pub ingredient: String,
    /// Units a day in thousandths (half a tablet = 500); none: the drug's own.
    pub daily_units_milli: Option<i64>,
    /// The member has stock up to and including this day.
    pub stock_until: Option<NaiveDate>,
    /// No longer taken.
    #[serde(default)]
    pub inactive: bool,
    /// Business day of the last change; a fill after it ends `stock_until` and `inactive`.
    pub changed_on: NaiveDate,
}

/// A drug or other article of the chain's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drug {
    /// The chain's id.
    pub id: String,
    /// Trade name.
    pub name: String,
    /// Ingredient; none for articles that are no medicine.
    pub ingredient: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Strength and pack, as printed.
    pub spec: Option<String>,
    /// Dosage units in a pack, in thousandths.
    pub units_per_pack_milli: Option<i64>,
    /// Usual units a day, in thousandths.
    pub daily_units_milli: Option<i64>,
    /// Prescription only.
    #[serde(default)]
    pub prescription: bool,
    /// Taken for a chronic disease.
    #[serde(default)]
    pub chronic: bool,
}

/// One line of a purchase or return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The chain's id of the line.
    pub id: String,
    /// Business date.
    pub day: NaiveDate,
    /// Second of the day, if the chain told the time.
    pub second: Option<u32>,
    /// Where it was bought.
    pub store_id: Option<String>,
    /// What was bought; none if the chain did not tell.
    pub drug_id: Option<String>,
    /// Packs in thousandths; negative for a return.
    pub quantity_milli: i64,
    /// Amount in fen; negative for a return.
    pub amount_fen: i64,
}

/// A reading of blood pressure or glucose. Immutable; a correction supersedes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Id: the chain's, or a UUIDv7.
    pub id: String,
    /// Whose.
    pub member_id: String,
    /// When, UTC.
    pub taken_at_ms: i64,
    /// What was measured.
    pub kind: Open<ReadingKind>,
    /// Systolic pressure, mmHg.
    pub systolic: Option<u16>,
    /// Diastolic pressure, mmHg.
    pub diastolic: Option<u16>,
    /// Glucose in tenths of mmol/L.
    pub glucose_tenths: Option<u16>,
    /// Where or when; none given: office, random.
    pub context: Open<ReadingContext>,
    /// Who took it.
    #[serde(default)]
    pub staff_id: Option<String>,
    /// The reading that this one corrects.
    #[serde(default)]
    pub supersedes: Option<String>,
}

/// A clerk's note on a member. Immutable; a correction supersedes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// UUIDv7.
    pub id: String,
    /// Whose.
    pub member_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Who wrote it.
    pub staff_id: String,
    /// The text.
    pub text: String,
    /// The note that this one corrects.
    #[serde(default)]
    pub supersedes: Option<String>,
}

/// Something to do for a member (rules, section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareTask {
    /// UUID, or campaign and member for an allocated task.
    pub id: String,
    /// For whom.
    pub member_id: String,
    /// In which store.
    pub store_id: String,
    /// The clerk it is allotted to; none: anyone in the store.
    pub assignee: Option<String>,
    /// How it is carried out.
    pub kind: Open<TaskKind>,
    /// Service or marketing.
    pub purpose: Open<ContactPurpose>,
    /// Where it comes from.
    pub origin: Open<TaskOrigin>,
    /// The campaign, if it comes from one.
    pub campaign_id: Option<String>,
    /// Step of the campaign or journey.
    #[serde(default)]
    pub step: u32,
    /// Why this member is on the list: a code and its values, worded by the shell.
    pub why: Why,
    /// The script to follow (an id of the catalogue).
    #[serde(default)]
    pub script_id: Option<String>,
    /// A health emergency; first on the list.
    #[serde(default)]
    pub emergency: bool,
    /// First day on the list.
    pub start: NaiveDate,
    /// Last day; it expires at the end of it.
    pub due: NaiveDate,
    /// State.
    pub state: Open<TaskState>,
    /// Deferred until this day.
    #[serde(default)]
    pub deferred_until: Option<NaiveDate>,
    /// Deferred until this instant, where the clerk chose an hour.
    #[serde(default)]
    pub deferred_until_ms: Option<i64>,
    /// A purchase between these days (inclusive) closes the task (agreed to visit).
    #[serde(default)]
    pub closes_on_purchase: Option<(NaiveDate, NaiveDate)>,
    /// Attempts that count.
    #[serde(default)]
    pub attempts: u32,
    /// Part of the day of the last attempt, to be avoided next (0, 1, 2).
    #[serde(default)]
    pub avoid_part: Option<u8>,
    /// The outcome that counts (the first one), if any.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Further outcomes: corrections and second results, in hub order.
    #[serde(default)]
    pub other_outcomes: Vec<Outcome>,
    /// The manager asked for it to be done soon.
    #[serde(default)]
    pub nudged_at_ms: Option<i64>,
    /// When it was made, UTC.
    pub created_at_ms: i64,
    /// When its state last changed, UTC.
    #[serde(default)]
    pub changed_at_ms: i64,
    /// Rises with each change of this record at the hub.
    #[serde(default)]
    pub version: u64,
}

/// A reason as a code with values; the shells word it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// For example `medicine_out`, `campaign`, `emergency_bp`, `clerk`.
    pub code: String,
    /// Values for the wording, by name.
    #[serde(default)]
    pub values: Vec<(String, String)>,
}

/// What came of a task, as recorded by a clerk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// UUIDv7.
    pub id: String,
    /// What came of it.
    pub code: Open<OutcomeCode>,
    /// When it was recorded, UTC.
    pub at_ms: i64,
    /// Business day of the recording.
    pub day: NaiveDate,
    /// Who recorded it.
    pub staff_id: String,
    /// The attempt it belongs to, if any.
    pub attempt_id: Option<String>,
    /// The date or time that was chosen (visit, call back, stock until).
    #[serde(default)]
    pub date: Option<NaiveDate>,
    /// The instant chosen for a call back, UTC.
    #[serde(default)]
    pub call_at_ms: Option<i64>,
    /// Ingredient that the outcome concerns, if it concerns one.
    #[serde(default)]
    pub ingredient: Option<String>,
    /// Note; required for `other`.
    #[serde(default)]
    pub note: Option<String>,
    /// The outcome that this one corrects.
    #[serde(default)]
    pub supersedes: Option<String>,
}

/// One dial. Stored before the dialler opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// UUIDv7.
    pub id: String,
    /// The task, if the call belongs to one.
    pub task_id: Option<String>,
    /// Who was called.
    pub member_id: String,
    /// Who called.
    pub staff_id: String,
    /// Service, marketing or emergency.
    pub purpose: Open<ContactPurpose>,
    /// Channel of the contact (`call` or `ai_call`).
    pub channel: Open<Channel>,
    /// Keyed hash of the number dialled, to count dials to a number without holding it.
    #[serde(default)]
    pub number_hash: String,
    /// Start, UTC.
    pub started_at_ms: i64,
    /// End, UTC; none while the call lasts or if it was never told.
    pub ended_at_ms: Option<i64>,
    /// Talking time in seconds.
    pub duration_s: Option<u32>,
    /// What the carrier made of it; none until known.
    pub result: Option<Open<CarrierResult>>,
    /// Digest of the recording, if there is one.
    #[serde(default)]
    pub recording: Option<String>,
}

/// One message to one member. Immutable but for its state; its key makes it idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// `campaign/member/step/channel`, stored before the send.
    pub key: String,
    /// To whom.
    pub member_id: String,
    /// The task, if it belongs to one.
    pub task_id: Option<String>,
    /// The campaign, if it belongs to one.
    pub campaign_id: Option<String>,
    /// Step of the campaign.
    #[serde(default)]
    pub step: u32,
    /// Channel (`sms` or `wechat`).
    pub channel: Open<Channel>,
    /// Service, marketing or emergency.
    pub purpose: Open<ContactPurpose>,
    /// Template used.
    pub template_id: String,
    /// Who sent it.
    pub staff_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// What became of it.
    pub state: Open<SendState>,
    /// Reason code if it was refused or failed.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A message template or a call script. Its text is the chain's own and travels as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Id.
    pub id: String,
    /// Title shown in lists.
    pub title: String,
    /// `script`, or the channel it is for (`sms`, `wechat`).
    pub kind: String,
    /// Service or marketing.
    pub purpose: Open<ContactPurpose>,
    /// Text with placeholders in braces, for example `{name}`.
    pub text: String,
    /// Talking points of a script.
    #[serde(default)]
    pub points: Vec<String>,
}

/// A store of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Region.
    pub region: Option<String>,
}

/// Someone who works for the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Id.
    pub id: String,
    /// Store; none for headquarters and regions.
    pub store_id: Option<String>,
    /// Region of a region manager.
    pub region: Option<String>,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Open<Role>,
    /// Is a pharmacist.
    #[serde(default)]
    pub pharmacist: bool,
    /// Still works here.
    #[serde(default = "yes")]
    pub active: bool,
    /// Marked off for this day; gets no tasks.
    #[serde(default)]
    pub off_on: Option<NaiveDate>,
}

fn yes() -> bool {
    true
}

/// Stock of one drug in one store, in thousandths of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The drug.
    pub drug_id: String,
    /// Packs in thousandths.
    pub units_milli: i64,
}

/// The published class model: cut points, fitted or set by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassModel {
    /// Rises with each publication; 0 = never published.
    pub version: u64,
    /// The day it was fitted at.
    pub as_of: Option<NaiveDate>,
    /// Cut points; none if no member was active.
    pub cut_points: Option<CutPoints>,
    /// Price rank of each drug among the chain's drugs of its ingredient, in millionths (rules,
    /// section 8): 0 cheapest, 1,000,000 dearest. A drug without a choice beside it has none.
    #[serde(default)]
    pub price_ranks_ppm: BTreeMap<String, u32>,
}

/// Four ascending cut points for each of recency (days), frequency (visit days) and monetary (fen).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutPoints {
    /// Days.
    pub recency: [i64; 4],
    /// Visit days.
    pub frequency: [i64; 4],
    /// Fen.
    pub monetary: [i64; 4],
}
