//! What travels up: operations of a clerk, and what became of each.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use yaoban_domain::codes::{CarrierResult, Open, Sex};
use yaoban_domain::model::{
    Allergy, Attempt, CareTask, Consent, Member, Note, Outcome, Reading, Regimen, Send,
};
use yaoban_domain::signature::Signature;

/// One operation on its way to the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpEnvelope {
    /// Rises strictly, device by device; given when the operation leaves its take-back time.
    pub n: u64,
    /// UUIDv7, the same in every retry.
    pub op_id: String,
    /// Who did it.
    pub staff_id: String,
    /// When by the phone's clock, UTC.
    pub at_ms: i64,
    /// Version of the row that it was based on, 0 if none.
    #[serde(default)]
    pub base_version: u64,
    /// An [`Op`] in CBOR, or opaque bytes if `parked`.
    pub body: ByteBuf,
    /// The phone gave up on having it read: keep it as it is.
    #[serde(default)]
    pub parked: bool,
}

/// Whom an operation concerns: a member, or the member of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The member with this id.
    Member(&'a str),
    /// Whoever this task is for.
    OfTask(&'a str),
    /// Whoever was called in this attempt.
    OfAttempt(&'a str),
    /// Nobody.
    Nobody,
}

/// What a clerk did. Tagged by `op` with the variant's name in snake case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// A new member at the counter; `member.id` is a temporary id.
    RegisterMember {
        /// The member, with its consents.
        member: Box<Member>,
        /// What it signed these with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
    },
    /// Changed fields of a profile, with the values they had: merged field by field.
    EditMember {
        /// Whose.
        member_id: String,
        /// The values the clerk saw.
        base: Box<ProfileFields>,
        /// The values the clerk wants; only fields that are `Some` here are edited.
        edit: Box<ProfileFields>,
    },
    /// Tags added and removed.
    Tags {
        /// Whose.
        member_id: String,
        /// Added.
        add: Vec<String>,
        /// Removed.
        remove: Vec<String>,
    },
    /// A consent given or withdrawn.
    SetConsent {
        /// Whose.
        member_id: String,
        /// The consent.
        consent: Consent,
        /// What the member signed it with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Signature>,
    },
    /// A regimen set; fields that are none stay.
    SetRegimen {
        /// Whose.
        member_id: String,
        /// The regimen.
        regimen: Regimen,
    },
    /// A reading taken.
    AddReading {
        /// The reading.
        reading: Reading,
    },
    /// A note written.
    AddNote {
        /// The note.
        note: Note,
    },
    /// A task that a clerk makes for itself, or that follows from an outcome or a reading.
    CreateTask {
        /// The task.
        task: Box<CareTask>,
    },
    /// A clerk is at the task.
    StartTask {
        /// Which.
        task_id: String,
    },
    /// The task is put off.
    DeferTask {
        /// Which.
        task_id: String,
        /// Until this day.
        until: NaiveDate,
        /// Until this instant.
        #[serde(default)]
        until_ms: Option<i64>,
    },
    /// The task is cancelled.
    CancelTask {
        /// Which.
        task_id: String,
    },
    /// The manager gives the task to somebody (none: to anyone).
    ReassignTask {
        /// Which.
        task_id: String,
        /// To whom.
        assignee: Option<String>,
    },
    /// The manager asks for it to be done soon.
    NudgeTask {
        /// Which.
        task_id: String,
    },
    /// A dial begins. Stored before the dialler opens.
    StartAttempt {
        /// The attempt, without an end.
        attempt: Attempt,
    },
    /// The dial ended.
    EndAttempt {
        /// Which.
        attempt_id: String,
        /// When, UTC.
        ended_at_ms: i64,
        /// Talking time in seconds.
        #[serde(default)]
        duration_s: Option<u32>,
        /// What the carrier made of it.
        result: Open<CarrierResult>,
    },
    /// What came of a task.
    RecordOutcome {
        /// Which.
        task_id: String,
        /// What came of it.
        outcome: Outcome,
    },
    /// A message sent, or its state told.
    RecordSend {
        /// The send.
        send: Send,
    },
    /// The manager marks a clerk off for a day (none: back again).
    MarkOff {
        /// Whom.
        staff_id: String,
        /// For which day.
        on: Option<NaiveDate>,
    },
    /// The manager says two members are one person.
    MergeMembers {
        /// The one that stays.
        keep: String,
        /// The one that becomes an alias.
        other: String,
    },
    /// The merge was wrong.
    UndoMerge {
        /// The one that stayed.
        keep: String,
        /// The one that comes back.
        other: String,
    },
    /// The manager says two members on one number are different persons.
    KeepApart {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
}

impl Op {
    /// Whom it concerns; of two members of a pair the first named.
    pub fn subject(&self) -> Subject<'_> {
        match self {
            Self::RegisterMember { member, .. } => Subject::Member(&member.id),
            Self::EditMember { member_id, .. }
            | Self::Tags { member_id, .. }
            | Self::SetConsent { member_id, .. }
            | Self::SetRegimen { member_id, .. } => Subject::Member(member_id),
            Self::AddReading { reading } => Subject::Member(&reading.member_id),
            Self::AddNote { note } => Subject::Member(&note.member_id),
            Self::CreateTask { task } => Subject::Member(&task.member_id),
            Self::StartTask { task_id }
            | Self::DeferTask { task_id, .. }
            | Self::CancelTask { task_id }
            | Self::ReassignTask { task_id, .. }
            | Self::NudgeTask { task_id }
            | Self::RecordOutcome { task_id, .. } => Subject::OfTask(task_id),
            Self::StartAttempt { attempt } => Subject::Member(&attempt.member_id),
            Self::EndAttempt { attempt_id, .. } => Subject::OfAttempt(attempt_id),
            Self::RecordSend { send } => Subject::Member(&send.member_id),
            Self::MergeMembers { keep, .. } | Self::UndoMerge { keep, .. } => Subject::Member(keep),
            Self::KeepApart { first, .. } => Subject::Member(first),
            Self::MarkOff { .. } => Subject::Nobody,
        }
    }
}

/// Fields of a profile that a clerk may edit; none = not touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileFields {
    /// Name.
    pub name: Option<String>,
    /// Phone; the empty text takes it away.
    pub phone: Option<String>,
    /// Sex.
    pub sex: Option<Open<Sex>>,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Diseases.
    pub diseases: Option<Vec<String>>,
    /// Allergies.
    pub allergies: Option<Vec<Allergy>>,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpStatus {
    /// Done as asked.
    Applied,
    /// Done, merged with what others did; the loser is in the history.
    Merged,
    /// Was done before.
    Duplicate,
    /// Not done, for a reason that the clerk sees.
    Rejected,
    /// Could not be read; kept for inspection.
    Parked,
}

/// The result of one operation, stored with its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpResult {
    /// Number.
    pub n: u64,
    /// Id.
    pub op_id: String,
    /// What became of it.
    pub status: OpStatus,
    /// Why, as a code, where it was rejected or parked.
    #[serde(default)]
    pub reason: Option<String>,
    /// Values for the reason's wording.
    #[serde(default)]
    pub values: Vec<(String, String)>,
    /// The id that the hub gave in place of a temporary one.
    #[serde(default)]
    pub member_id: Option<String>,
}
