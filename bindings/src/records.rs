//! The core's records as uniffi sees them. Written by `bindings/redeclare.py`; do not edit.

use yaoban_clerk_core::facade::contact::{
    AttemptRow, Awaits, Decision, Dial, DialTarget, EndedAttempt, GateVerdict, NewOutcome, OpenAttempt,
    Recorded as RecordedOutcome,
};
use yaoban_clerk_core::facade::device::Storage as StorageUse;
use yaoban_clerk_core::facade::doctor::CheckupFindings as Checkup;
use yaoban_clerk_core::facade::entry::{EntryState, ReadingCheck, ReadingForm, ReadingNumber, TypedReading};
use yaoban_clerk_core::facade::find::{Found as FoundMembers, Mark, MemberRow};
use yaoban_clerk_core::facade::groups::{Group as MemberGroup, GroupConditions, SavedGroup};
use yaoban_clerk_core::facade::history::{DaysAsked, HistoryDay, HistoryPage, LineRow};
use yaoban_clerk_core::facade::manager::{
    ClerkDay, DuplicateMember, DuplicateRow, FigureCount, Moved, Reassigned, SyncQueue,
    Today as TodayByClerk, TodayFigure, TodayItem, Whose,
};
use yaoban_clerk_core::facade::members::{
    ConsentForm, ConsentStanding, DiseaseRow, DrawnSignature, MemberForm, NewConsent, NewMember, NewRegimen,
    Registered, TypedMember,
};
use yaoban_clerk_core::facade::message::{
    MessageDeferred, MessageOut, MessagePreview, MessagePreviews, MessageResult, OpenMessage, RefusedBy,
    TemplateRow, Told,
};
use yaoban_clerk_core::facade::outcomes::{OutcomeChoice, OutcomeChoices};
use yaoban_clerk_core::facade::overview::{
    Count as CodeCount, DueCounts, MemberCounts, TaskCounts, ViewCount,
};
use yaoban_clerk_core::facade::profile::{
    AllergyRow, ClassWhy, ConsentRow, ContactRow, LeaningsRow, MedicineRow, NoteRow, Profile, RegimenRow,
    Say, TaskBrief,
};
use yaoban_clerk_core::facade::readings::{ReadingAdded, ReadingRow, Readings, TargetBand};
use yaoban_clerk_core::facade::recordings::{
    RecorderFile, RecordingMatch, RecordingRow, RecordingUsage, UploadReport,
};
use yaoban_clerk_core::facade::staff::{Rights, StaffRow};
use yaoban_clerk_core::facade::tasks::{
    GroupTasks, Household, OutcomeRow, Script, TaskAct, TaskDetail, TaskFilter, TaskList, TaskRow, TaskView,
};
use yaoban_clerk_core::facade::{
    Acted, FirstLoad, Paired, PairingOffer, PhoneStage, Status as PhoneStatus, StuckOp, SyncReport,
};
use yaoban_clerk_core::facade::{ReasonCount, Refused as RefusedOne};
use yaoban_clerk_core::recording::Network as NetworkKind;
use yaoban_clerk_core::sync::{Progress as SyncProgress, Stage as SyncStage};
use yaoban_domain::codes::{
    Care, CarrierResult, Channel, Class as MemberClass, ContactPurpose, GateReason, OutcomeCode, SendState,
    TaskKind,
};
use yaoban_domain::task::Answer;

use crate::custom::{
    Amount, CarrierResultCode, CivilDate, ContactPurposeCode, FilePath, PhoneNumber, SexCode, TaskKindCode,
    TaskOriginCode, TaskStateCode, Values, Word,
};

#[uniffi::remote(Enum)]
/// The second split beside the class: chronic or general.
pub enum Care {
    /// 慢病
    Chronic,
    /// 普通
    General,
}

#[uniffi::remote(Enum)]
/// What the carrier made of a dial.
pub enum CarrierResult {
    /// Answered.
    Answered,
    /// Busy.
    Busy,
    /// Rang, nobody answered.
    NoAnswer,
    /// Rejected by the member.
    Rejected,
    /// Phone switched off.
    PowerOff,
    /// Number suspended.
    Suspended,
    /// Number does not exist.
    InvalidNumber,
    /// A machine answered.
    Voicemail,
    /// The line failed.
    LineFailed,
    /// The clerk cancelled before it rang.
    Cancelled,
    /// Answered, then cut off.
    Dropped,
    /// Refused by the contact gate or the gateway.
    BlockedByPolicy,
}

#[uniffi::remote(Enum)]
/// By which channel a member is contacted.
pub enum Channel {
    /// A call by a clerk.
    Call,
    /// A call by the voice robot.
    AiCall,
    /// A text message.
    Sms,
    /// WeChat or WeCom.
    Wechat,
}

#[uniffi::remote(Enum)]
/// The six member classes of H-RFM (rules, section 1).
pub enum MemberClass {
    /// 重要保持
    Retain,
    /// 重要发展
    Develop,
    /// 重要挽留
    WinBack,
    /// 一般重要
    Valued,
    /// 一般
    Ordinary,
    /// 无价值; a clerk's screen shows it as 待激活
    Low,
}

#[uniffi::remote(Enum)]
/// Why a contact is made; decides which consent it needs.
pub enum ContactPurpose {
    /// A service to the member (medicine run-out, follow-up).
    Service,
    /// Marketing.
    Marketing,
    /// A health emergency of rules section 2.
    Emergency,
}

#[uniffi::remote(Enum)]
/// Why the contact gate refuses or defers, in the order of rules section 5.
pub enum GateReason {
    /// The member has died.
    Deceased,
    /// The member's data were erased.
    Erased,
    /// The number does not reach the member.
    NumberInvalid,
    /// The channel needs a number and none is known.
    NoNumber,
    /// All contact is paused.
    Paused,
    /// No consent for this purpose and channel is known.
    NoConsent,
    /// The consent for this purpose and channel was withdrawn.
    ConsentWithdrawn,
    /// The member asked not to be contacted.
    DoNotContact,
    /// Outside the allowed hours.
    OutsideHours,
    /// A public holiday without contact.
    Holiday,
    /// The marketing cap of one day is reached.
    CapMarketingDay,
    /// The marketing cap of 2 to 7 days is reached.
    CapMarketingWeek,
    /// The marketing cap of more than 7 days is reached.
    CapMarketingMonth,
    /// The service messages of the day are used up.
    CapServiceDay,
    /// A service message carries promotion.
    MixedPromotion,
    /// The number was dialled often enough today.
    DialsADay,
}

#[uniffi::remote(Enum)]
/// What came of a contact (rules, section 4).
pub enum OutcomeCode {
    /// Agreed to visit by a date.
    AgreedToVisit,
    /// Asked to be called later.
    CallLater,
    /// Has already bought here.
    AlreadyBought,
    /// Bought elsewhere.
    BoughtElsewhere,
    /// Still has stock.
    StillHasStock,
    /// A doctor changed or stopped the medicine.
    DoctorChangedOrStopped,
    /// Not interested in this campaign.
    NotInterested,
    /// Wants no more marketing.
    DoNotContact,
    /// The number belongs to somebody else.
    WrongNumber,
    /// A pharmacist is needed today.
    NeedsPharmacist,
    /// An adverse reaction was reported.
    AdverseReaction,
    /// Moved away.
    Moved,
    /// In hospital.
    Hospitalised,
    /// Deceased.
    Deceased,
    /// Something else; a note is required.
    Other,
}

#[uniffi::remote(Enum)]
/// What became of a message.
pub enum SendState {
    /// Stored, not handed over yet.
    Queued,
    /// Handed to the messaging app or the gateway.
    Sent,
    /// Delivered.
    Delivered,
    /// Failed.
    Failed,
    /// Refused by the contact gate.
    Refused,
}

#[uniffi::remote(Enum)]
/// How a task is carried out.
pub enum TaskKind {
    /// A phone call.
    Call,
    /// A text message.
    Sms,
    /// A WeChat or WeCom message.
    Wechat,
    /// Something to do at the member's next visit.
    InStore,
    /// A task for the store's pharmacist.
    Pharmacist,
}

#[uniffi::remote(Enum)]
/// How far an outcome asks for something beside its code.
pub enum Answer {
    /// It is not asked for.
    NotAsked,
    /// It is asked for, and may be left out.
    Optional,
    /// Without it the outcome is refused.
    Required,
}

#[uniffi::remote(Record)]
/// How far a round is.
pub struct SyncProgress {
    /// What is being done.
    pub stage: SyncStage,
    /// So much of it is done, in the stage's own unit.
    pub done: u64,
    /// Of so much, 0 if not known.
    pub total: u64,
}

#[uniffi::remote(Enum)]
/// Stages of a round.
pub enum SyncStage {
    /// The hub is being greeted.
    Connecting,
    /// A first load; unit: members.
    Loading,
    /// The load is in; indexes are being made.
    Indexing,
    /// Changes come in; unit: rows.
    Pulling,
    /// Operations go out; unit: operations.
    Pushing,
    /// Digests are compared; unit: scopes.
    Checking,
}

#[uniffi::remote(Enum)]
/// The network that the phone is on, as the shell tells.
pub enum NetworkKind {
    /// None, or not told yet.
    None,
    /// One that costs: a mobile network.
    Metered,
    /// Wi-Fi, or another one that costs nothing.
    Wifi,
}

#[uniffi::remote(Record)]
/// An operation that was stored.
pub struct Acted {
    /// Its key in the outbox; what it takes to take it back.
    pub outbox_id: i64,
    /// It can be taken back until then, UTC; none: it cannot.
    pub take_back_until_ms: Option<i64>,
}

#[uniffi::remote(Record)]
/// A first load that is not in yet.
pub struct FirstLoad {
    /// Members that came in.
    pub members_done: u64,
    /// Members that it brings.
    pub members: u64,
    /// Somebody can sign in and work with what came in.
    pub usable: bool,
}

#[uniffi::remote(Record)]
/// What a device knows of its chain.
pub struct Paired {
    /// Name of the chain.
    pub chain_name: String,
    /// The device's store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// The member of staff that the code was made for, if it was.
    pub staff_id: Option<String>,
}

#[uniffi::remote(Record)]
/// Whose phone a pairing code makes.
pub struct PairingOffer {
    /// Name of the chain.
    pub chain_name: String,
    /// Name of the store.
    pub store_name: String,
}

#[uniffi::remote(Enum)]
/// How far a phone is.
pub enum PhoneStage {
    /// No hub knows it.
    Unpaired,
    /// Paired; the first load is not in.
    Loading,
    /// Everything that was ever loaded is here.
    Ready,
}

#[uniffi::remote(Record)]
/// How the phone stands.
pub struct PhoneStatus {
    /// How far it is.
    pub stage: PhoneStage,
    /// Paired with a hub.
    pub paired: bool,
    /// Why the hub locked this phone, if it did.
    pub locked: Option<String>,
    /// Id of this device.
    pub device_id: String,
    /// Address of the hub.
    pub hub_url: String,
    /// Name of the chain.
    pub chain_name: String,
    /// The store.
    pub store_id: String,
    /// Name of the store.
    pub store_name: String,
    /// Who uses the phone.
    pub staff_id: Option<String>,
    /// When the last round that got through was, UTC.
    pub last_sync_ms: Option<i64>,
    /// Everything that was ever loaded is here; false during a first load.
    pub loaded: bool,
    /// How far the first load is, or was when it was cut short; none once it is in. With it the phone can be
    /// used already: people sign in, see the tasks and the members that came first, and look others up at the
    /// hub.
    pub first_load: Option<FirstLoad>,
    /// Operations that are not sent yet.
    pub outbox: i64,
    /// Of these, within their take-back time.
    pub held: i64,
    /// Of these, that wait for the hub only.
    pub waiting: i64,
    /// Operations that the hub could not read.
    pub parked: i64,
    /// Operations that are stuck, with their reason.
    pub stuck: Vec<StuckOp>,
    /// Members of the store.
    pub members: i64,
    /// Size of the file.
    pub file_bytes: u64,
    /// Version of the published class model.
    pub model_version: u64,
    /// Where a damaged file was set aside at the start, if one was.
    pub set_aside: Option<FilePath>,
    /// Operations that the file had lost and that were saved, from it or from the mirror.
    pub salvaged_ops: u32,
}

#[uniffi::remote(Record)]
/// An operation that the hub refused or could not read.
pub struct StuckOp {
    /// Its key in the outbox.
    pub outbox_id: i64,
    /// What was done, as the operation's code.
    pub op: String,
    /// Who did it.
    pub staff_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Whom it concerns.
    pub member_id: Option<String>,
    /// The member's name, if it is here.
    pub member_name: Option<String>,
    /// `rejected` or `parked`; of one on its way `held`, `pending` or `answered`.
    pub state: String,
    /// It goes no further by itself: the hub refused it or could not read it.
    pub stuck: bool,
    /// Why, as a code.
    pub reason: Option<String>,
    /// Values for the reason's wording.
    pub values: Values,
}

#[uniffi::remote(Record)]
/// What a round of sync did.
pub struct SyncReport {
    /// Everything that the hub had when the round began is here.
    pub up_to_date: bool,
    /// Rows that came in.
    pub pulled_rows: u64,
    /// Scopes that were loaded whole.
    pub loaded_scopes: u32,
    /// Operations that got their answer.
    pub pushed_ops: u64,
    /// Of these, refused with a reason to see.
    pub rejected_ops: u64,
    /// Of these, kept unread at the hub.
    pub parked_ops: u64,
    /// Wait at least this long before the next round.
    pub next_delay_ms: u64,
}

#[uniffi::remote(Record)]
/// One of a group for whom nothing was done, and why.
pub struct RefusedOne {
    /// The member or task.
    pub id: String,
    /// The member's name; empty if it is not here.
    pub name: String,
    /// Why, as a code.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Values,
}

#[uniffi::remote(Record)]
/// How often each reason stopped something in a group.
pub struct ReasonCount {
    /// The reason's code.
    pub code: String,
    /// How often.
    pub count: u32,
}

#[uniffi::remote(Record)]
/// What the phone's data take up.
pub struct StorageUse {
    /// The data file and its log, and the mirror of the outbox.
    pub file_bytes: u64,
    /// A first load under way.
    pub loading_bytes: u64,
    /// Damaged files that were set aside.
    pub set_aside_bytes: u64,
    /// Members of the store.
    pub members: i64,
    /// Members with purchases.
    pub buyers: i64,
    /// Readings.
    pub readings: i64,
    /// Drugs of the catalogue.
    pub drugs: i64,
}

#[uniffi::remote(Record)]
/// What a member of staff may do in its store (rules, section 7). A screen offers nothing else; the core
/// refuses it all the same.
pub struct Rights {
    /// Run its tasks: call, send, record what came of it.
    pub run_tasks: bool,
    /// Register members, change their records, take readings and consents.
    pub keep_members: bool,
    /// See the whole store's tasks and figures.
    pub see_store: bool,
    /// Give tasks away and rebalance them.
    pub assign: bool,
    /// Ask for a task to be done soon.
    pub nudge: bool,
    /// Mark a clerk off for a day.
    pub mark_off: bool,
    /// Say whether two members are one person.
    pub merge: bool,
}

#[uniffi::remote(Record)]
/// A member of staff on the list to choose from.
pub struct StaffRow {
    /// Id.
    pub staff_id: String,
    /// Name.
    pub name: String,
    /// Role, as a code.
    pub role: String,
    /// What it may do.
    pub may: Rights,
    /// Is a pharmacist.
    pub pharmacist: bool,
    /// Is signed in.
    pub current: bool,
    /// Is marked off today.
    pub off_today: bool,
    /// Has set a PIN on this phone.
    pub has_pin: bool,
    /// Tasks that wait for it.
    pub open_tasks: i64,
}

#[uniffi::remote(Record)]
/// What became of a group of tasks.
pub struct GroupTasks {
    /// Ids of the tasks that were made.
    pub made: Vec<String>,
    /// Members for whom none was made, and why.
    pub refused: Vec<RefusedOne>,
}

#[uniffi::remote(Record)]
/// Tasks of one phone number, shown together.
pub struct Household {
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// Its tasks, in order.
    pub tasks: Vec<TaskRow>,
}

#[uniffi::remote(Record)]
/// What was recorded of a task.
pub struct OutcomeRow {
    /// Id.
    pub outcome_id: String,
    /// What came of it.
    pub code: String,
    /// When it was recorded, UTC.
    pub at_ms: i64,
    /// Who recorded it.
    pub staff_id: String,
    /// The day that was chosen.
    pub date: Option<CivilDate>,
    /// The medicine that it concerns.
    pub ingredient: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// It is the one that counts.
    pub counts: bool,
}

#[uniffi::remote(Record)]
/// What to say.
pub struct Script {
    /// Title.
    pub title: String,
    /// The text, filled in for this member.
    pub text: String,
    /// Talking points, filled in.
    pub points: Vec<String>,
    /// Placeholders that have no value here and stand as they are.
    pub missing: Vec<String>,
}

#[uniffi::remote(Enum)]
/// What is done with a task by a touch.
pub enum TaskAct {
    /// It is closed, or done when the member comes.
    Nothing,
    /// A call.
    Call,
    /// A message.
    Message,
}

#[uniffi::remote(Record)]
/// A task with its script and history.
pub struct TaskDetail {
    /// The task.
    pub task: TaskRow,
    /// What to say, if it has a script.
    pub script: Option<Script>,
    /// Its dials, newest first.
    pub attempts: Vec<AttemptRow>,
    /// What was recorded, what counts first.
    pub outcomes: Vec<OutcomeRow>,
}

#[uniffi::remote(Record)]
/// What a list is narrowed to. All conditions hold together.
pub struct TaskFilter {
    /// Which tasks.
    pub view: TaskView,
    /// The whole store's instead of the clerk's own and those of nobody.
    #[uniffi(default)]
    pub whole_store: bool,
    /// Tasks of this member of staff (with `whole_store`).
    #[uniffi(default)]
    pub assignee: Option<String>,
    /// Members of this class.
    #[uniffi(default)]
    pub class: Option<MemberClass>,
    /// Members with this disease.
    #[uniffi(default)]
    pub disease: Option<String>,
    /// Members with this tag.
    #[uniffi(default)]
    pub tag: Option<String>,
    /// Tasks for this member.
    #[uniffi(default)]
    pub member_id: Option<String>,
}

#[uniffi::remote(Record)]
/// The list.
pub struct TaskList {
    /// Why there are none: the clerk is marked off, or none fits. None: there are some.
    pub none: Option<Say>,
    /// Number of tasks, of all pages.
    pub count: Amount,
    /// Number of households, of all pages.
    pub household_count: Amount,
    /// The tasks of this page by household, in the order of each one's first task.
    pub households: Vec<Household>,
}

#[uniffi::remote(Record)]
/// A task, ready to show.
pub struct TaskRow {
    /// Id of the task.
    pub task_id: String,
    /// For whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The member's number, masked.
    pub phone_masked: Option<String>,
    /// How it is carried out.
    pub kind: TaskKindCode,
    /// By which channel: it is done by a call or a message; none: when the member comes.
    pub channel: Option<Channel>,
    /// Service, marketing or emergency.
    pub purpose: ContactPurposeCode,
    /// Where it comes from.
    pub origin: TaskOriginCode,
    /// Name of its campaign.
    pub campaign: Option<String>,
    /// Where it stands now.
    pub state: TaskStateCode,
    /// First day on the list.
    pub start: CivilDate,
    /// Last day.
    pub due: CivilDate,
    /// Put off until this day.
    pub deferred_until: Option<CivilDate>,
    /// Put off until this instant, UTC.
    pub deferred_until_ms: Option<i64>,
    /// Why this member is on the list.
    pub why: Say,
    /// The member's class.
    pub class: Option<MemberClass>,
    /// Chronic or general.
    pub care: Option<Care>,
    /// The member's value index, 0..=100.
    pub value_index: u8,
    /// The earliest end of a medicine that the member takes: it orders the list.
    pub next_end: Option<CivilDate>,
    /// The ingredient of the medicine that the task is about; if it is about none, of the one that ends
    /// first.
    pub medicine: Option<String>,
    /// When that medicine ends, as far as this phone or else the hub knows.
    pub medicine_end: Option<CivilDate>,
    /// Whose task it is.
    pub assignee: Option<String>,
    /// That clerk's name.
    pub assignee_name: Option<String>,
    /// Attempts that count.
    pub attempts: u32,
    /// Part of the day to be avoided next (0, 1, 2).
    pub avoid_part: Option<u8>,
    /// A health emergency.
    pub emergency: bool,
    /// The manager asked for it to be done soon.
    pub nudged: bool,
    /// The member answered before at this hour of the day.
    pub hour_matches: bool,
    /// The outcome that counts, as a code.
    pub outcome: Option<String>,
    /// When its state last changed, UTC.
    pub changed_at_ms: i64,
    /// What matters about it now, beside why it is there: when the medicine ends,
    /// when it is back on the list, what was recorded, that the manager asks, how often it was tried.
    pub also: Vec<Say>,
    /// Where it stands once a call for it is over.
    pub after: Say,
    /// What is done with it by a touch.
    pub act: TaskAct,
    /// The last day to which it can be put off; none: it does not wait on today's list, or no day is left.
    pub defer_until_max: Option<CivilDate>,
}

#[uniffi::remote(Enum)]
/// Which tasks a list shows.
pub enum TaskView {
    /// Begun and waiting to be done today.
    Due,
    /// Put off, or not begun.
    Later,
    /// Expired within `OVERDUE_DAYS`, without a result.
    Overdue,
    /// Done today.
    DoneToday,
}

#[uniffi::remote(Record)]
/// A dial, ready to show.
pub struct AttemptRow {
    /// Id.
    pub attempt_id: String,
    /// Who called.
    pub staff_id: String,
    /// When, UTC.
    pub started_at_ms: i64,
    /// Talking time in seconds.
    pub duration_s: Option<u32>,
    /// What the carrier made of it; none while it is not told.
    pub result: Option<CarrierResultCode>,
}

#[uniffi::remote(Enum)]
/// What a dial waits for.
pub enum Awaits {
    /// What the carrier said.
    Result,
    /// What came of an answered call.
    Outcome,
}

#[uniffi::remote(Enum)]
/// Whether a contact may be made.
pub enum Decision {
    /// Now.
    Allow,
    /// Later.
    Defer,
    /// Not at all.
    Refuse,
}

#[uniffi::remote(Record)]
/// A dial that may begin: its attempt is stored.
pub struct Dial {
    /// Id of the attempt.
    pub attempt_id: String,
    /// Whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The task, if there is one.
    pub task_id: Option<String>,
    /// The number as it shows.
    pub phone_masked: Option<String>,
    /// What to say.
    pub script: Option<Script>,
    /// The number, for the dialler and nothing else.
    pub number: PhoneNumber,
}

#[uniffi::remote(Enum)]
/// Whom to call.
pub enum DialTarget {
    /// The member of a task.
    Task(String),
    /// A member, without a task: a service call.
    Member(String),
}

#[uniffi::remote(Record)]
/// What the end of a dial did.
pub struct EndedAttempt {
    /// The attempt.
    pub attempt_id: String,
    /// The clerk must say what came of it.
    pub outcome_required: bool,
    /// The number was marked: it does not reach the member.
    pub number_marked: bool,
    /// It was answered, and nothing is known of its recording yet.
    pub recording_due: bool,
    /// The task after it.
    pub task: Option<TaskRow>,
}

#[uniffi::remote(Record)]
/// What the gate says of a contact.
pub struct GateVerdict {
    /// Whether it may be made.
    pub verdict: Decision,
    /// Why not, or not now.
    pub reason: Option<GateReason>,
    /// Deferred until this instant, UTC.
    pub until_ms: Option<i64>,
    /// Given up at this instant, UTC.
    pub expires_ms: Option<i64>,
}

#[uniffi::remote(Record)]
/// What a clerk says came of a task.
pub struct NewOutcome {
    /// What came of it.
    pub code: OutcomeCode,
    /// The dial it belongs to; none: the clerk's last answered one of this task without an outcome.
    #[uniffi(default)]
    pub attempt_id: Option<String>,
    /// The day chosen (visit, call back, stock until).
    #[uniffi(default)]
    pub date: Option<CivilDate>,
    /// The instant chosen for a call back, UTC.
    #[uniffi(default)]
    pub call_at_ms: Option<i64>,
    /// The ingredient it concerns; none: the one that the task is about, if it is about one.
    #[uniffi(default)]
    pub ingredient: Option<String>,
    /// Note; required for `other`.
    #[uniffi(default)]
    pub note: Option<String>,
    /// The outcome that this one corrects.
    #[uniffi(default)]
    pub supersedes: Option<String>,
}

#[uniffi::remote(Record)]
/// A dial that waits for the clerk's word.
pub struct OpenAttempt {
    /// Id.
    pub attempt_id: String,
    /// What the call was for.
    pub target: DialTarget,
    /// Who was called.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// When it began, UTC.
    pub started_at_ms: i64,
    /// What it waits for.
    pub awaits: Awaits,
}

#[uniffi::remote(Record)]
/// An outcome that was recorded.
pub struct RecordedOutcome {
    /// Id of the outcome; what it takes to take it back.
    pub outcome_id: String,
    /// It can be taken back until then, UTC …
    pub take_back_until_ms: i64,
    /// … which is so long from now.
    pub held_ms: u64,
    /// The medicine that it concerns, as it was understood.
    pub ingredient: Option<String>,
    /// The call to which it belongs was answered, and nothing is known of its recording yet.
    pub recording_due: bool,
    /// The task after it.
    pub task: TaskRow,
    /// The pharmacist's task that follows.
    pub follow_up: Option<TaskRow>,
}

#[uniffi::remote(Record)]
/// What a clerk sees of a `Checkup`.
pub struct Checkup {
    /// Version of the app.
    pub app_version: String,
    /// What is wrong, as codes, the worst first.
    pub findings: Vec<String>,
}

#[uniffi::remote(Enum)]
/// How far a reading is typed.
pub enum EntryState {
    /// Something is still missing; more digits can make it possible.
    Incomplete,
    /// Nobody has such a value, whatever is typed now.
    Impossible,
    /// It can be stored.
    Possible,
}

#[uniffi::remote(Record)]
/// What a reading says before it is stored.
pub struct ReadingCheck {
    /// How far it is.
    pub state: EntryState,
    /// The reading with its grade; none unless it is possible.
    pub reading: Option<ReadingRow>,
    /// Stored now it would raise an alarm.
    pub alarm: bool,
    /// What the chain advises at this grade.
    pub advice: Option<Script>,
    /// Why it is impossible, as the code of the refusal.
    pub reason: Option<Word>,
    /// Values for the reason's wording: the number, and its lowest and highest possible value.
    pub values: Values,
}

#[uniffi::remote(Record)]
/// What a reading of a kind is typed into.
pub struct ReadingForm {
    /// `bp` or `glucose`.
    pub kind: Word,
    /// Its numbers, in the order in which they are typed.
    pub numbers: Vec<ReadingNumber>,
    /// The contexts that may be chosen, as codes.
    pub contexts: Vec<Word>,
    /// What it counts as if none is chosen.
    pub default_context: Word,
}

#[uniffi::remote(Record)]
/// A number of a reading.
pub struct ReadingNumber {
    /// `systolic`, `diastolic` (mmHg) or `glucose` (tenths of mmol/L).
    pub field: Word,
    /// Places behind the point with which it is typed and shown.
    pub decimals: u8,
    /// The lowest possible value.
    pub min: u16,
    /// The highest possible value.
    pub max: u16,
}

#[uniffi::remote(Record)]
/// A reading as the fields of its form hold it.
pub struct TypedReading {
    /// `bp` or `glucose`.
    pub kind: String,
    /// What is typed for each number of the form, in its order; empty: nothing yet.
    pub numbers: Vec<String>,
    /// The context that was chosen; none: the form's default.
    pub context: Option<String>,
}

#[uniffi::remote(Record)]
/// Who fits what was typed.
pub struct FoundMembers {
    /// The members, best first.
    pub members: Vec<MemberRow>,
    /// What is said where there are none: nothing was typed, digits are still to come, or nobody fits. None: there
    /// are some.
    pub none: Option<Say>,
    /// Nothing was typed: these were opened last.
    pub recent: bool,
    /// Nobody fits what was typed: a new member, or one to look up at the hub.
    pub nobody: bool,
}

#[uniffi::remote(Record)]
/// A mark of a member.
pub struct Mark {
    /// What it says.
    pub say: Say,
    /// It is a danger.
    pub stands_out: bool,
}

#[uniffi::remote(Record)]
/// A member in a list.
pub struct MemberRow {
    /// Id.
    pub member_id: String,
    /// Name.
    pub name: String,
    /// The number with its middle hidden.
    pub phone_masked: Option<String>,
    /// Sex, as a code.
    pub sex: Option<String>,
    /// Completed years.
    pub age: Option<i32>,
    /// Home store.
    pub store_id: Option<String>,
    /// Belongs to this store.
    pub own_store: bool,
    /// Was looked up from another store and is forgotten after a day.
    pub looked_up: bool,
    /// Class, as a code; none until it was computed.
    pub class: Option<String>,
    /// `chronic` or `general`; none until it was computed.
    pub care: Option<String>,
    /// Value index, 0..=100.
    pub value_index: u8,
    /// Last visit day.
    pub last_visit: Option<CivilDate>,
    /// Has allergies.
    pub allergies: bool,
    /// What marks it in a list, what matters most first.
    pub marks: Vec<Mark>,
    /// Other members on the same number.
    pub household: u32,
    /// What it was found by, as a code; none in lists that were not searched.
    pub found_by: Option<String>,
}

#[uniffi::remote(Record)]
/// A group of members.
pub struct MemberGroup {
    /// The day for which it holds.
    pub as_of: CivilDate,
    /// How many members belong to it.
    pub count: Amount,
    /// A page of them: the most valuable first.
    pub members: Vec<MemberRow>,
}

#[uniffi::remote(Record)]
/// Simple conditions, as a clerk picks them by chips. Those of different kinds hold together, words of
/// one kind are alternatives.
pub struct GroupConditions {
    /// Of one of these classes, by code.
    #[uniffi(default)]
    pub classes: Vec<String>,
    /// `chronic`, `general`.
    #[uniffi(default)]
    pub care: Vec<String>,
    /// With one of these diseases, by code.
    #[uniffi(default)]
    pub diseases: Vec<String>,
    /// With one of these tags.
    #[uniffi(default)]
    pub tags: Vec<String>,
    /// With a medicine of one of these statuses, by code.
    #[uniffi(default)]
    pub medicines: Vec<String>,
    /// Birthday today or within the week, as `overview::MemberCounts` counts it.
    #[uniffi(default)]
    pub birthday: bool,
}

#[uniffi::remote(Record)]
/// A filter kept by name.
pub struct SavedGroup {
    /// Name.
    pub name: String,
    /// The audience in JSON.
    pub rule: String,
    /// Its conditions, where it is made of simple ones.
    pub conditions: Option<GroupConditions>,
}

#[uniffi::remote(Record)]
/// Which days are asked for.
pub struct DaysAsked {
    /// From this day on, it included, back; none: from the newest one.
    #[uniffi(default)]
    pub until: Option<CivilDate>,
    /// Lines of this ingredient; none: of all.
    #[uniffi(default)]
    pub ingredient: Option<String>,
    /// They are older than the phone holds and come from the hub.
    #[uniffi(default)]
    pub at_hub: bool,
}

#[uniffi::remote(Record)]
/// Purchases of one business date.
pub struct HistoryDay {
    /// The date.
    pub day: CivilDate,
    /// The store, of the first line that tells it.
    pub store_id: Option<String>,
    /// Name of that store, where the phone knows it.
    pub store_name: Option<String>,
    /// Net amount in fen.
    pub net_fen: i64,
    /// The lines.
    pub lines: Vec<LineRow>,
}

#[uniffi::remote(Record)]
/// A page of the history.
pub struct HistoryPage {
    /// Days, newest first.
    pub days: Vec<HistoryDay>,
    /// What is asked for next; none: there is nothing older.
    pub next: Option<DaysAsked>,
}

#[uniffi::remote(Record)]
/// One line as it shows.
pub struct LineRow {
    /// Id of the drug, if the chain told it.
    pub drug_id: Option<String>,
    /// Its name; the id where the catalogue does not know it.
    pub name: Option<String>,
    /// Strength and pack.
    pub spec: Option<String>,
    /// Ingredient.
    pub ingredient: Option<String>,
    /// Packs in thousandths, negative for a return.
    pub quantity_milli: i64,
    /// Fen, negative for a return.
    pub amount_fen: i64,
}

#[uniffi::remote(Record)]
/// The day of one clerk; or of the tasks that are nobody's, or somebody's who left.
pub struct ClerkDay {
    /// Who; none: nobody.
    pub staff_id: Option<String>,
    /// Name.
    pub name: String,
    /// Role, as a code.
    pub role: String,
    /// Is a pharmacist.
    pub pharmacist: bool,
    /// Is marked off today.
    pub off_today: bool,
    /// Its numbers, in the order in which they are shown.
    pub figures: Vec<FigureCount>,
}

#[uniffi::remote(Record)]
/// One of two members who may be the same person.
pub struct DuplicateMember {
    /// Id.
    pub member_id: String,
    /// Name.
    pub name: String,
    /// Number, masked.
    pub phone_masked: Option<String>,
    /// Sex.
    pub sex: Option<SexCode>,
    /// Birthday.
    pub birthday: Option<CivilDate>,
    /// Day of joining.
    pub joined_on: Option<CivilDate>,
    /// Visit days of all time.
    pub times: u32,
    /// Spend of all time in fen.
    pub total_fen: i64,
    /// Last visit day.
    pub last_visit: Option<CivilDate>,
}

#[uniffi::remote(Record)]
/// Two members on one number who may be the same person.
pub struct DuplicateRow {
    /// Id of the pair.
    pub pair_id: String,
    /// The one registered first.
    pub first: DuplicateMember,
    /// The other one.
    pub second: DuplicateMember,
}

#[uniffi::remote(Record)]
/// A number of the day.
pub struct FigureCount {
    /// Which one.
    pub figure: TodayFigure,
    /// The number.
    pub count: u32,
}

#[uniffi::remote(Record)]
/// A task that went to somebody else.
pub struct Moved {
    /// The task.
    pub task_id: String,
    /// Whose it was.
    pub from: Option<String>,
    /// Whose it is.
    pub to: Option<String>,
}

#[uniffi::remote(Record)]
/// What became of tasks that were given away.
pub struct Reassigned {
    /// Given away.
    pub moved: Vec<Moved>,
    /// Not given away, and why.
    pub refused: Vec<RefusedOne>,
}

#[uniffi::remote(Record)]
/// What is on its way to the hub, and what got stuck.
pub struct SyncQueue {
    /// Within their take-back time.
    pub held: u32,
    /// Without an answer.
    pub pending: u32,
    /// Answered, their effect not yet pulled.
    pub answered: u32,
    /// Refused, and not put away.
    pub rejected: u32,
    /// Not readable for the hub, and not put away.
    pub parked: u32,
    /// The operations: stuck ones first.
    pub ops: Vec<StuckOp>,
}

#[uniffi::remote(Record)]
/// Today in the store.
pub struct TodayByClerk {
    /// The business day.
    pub day: CivilDate,
    /// By clerk, by name; what is nobody's, or somebody's who left, comes last. A clerk sees its own line only.
    pub clerks: Vec<ClerkDay>,
    /// All of them together; none: there is but one.
    pub total: Option<ClerkDay>,
}

#[uniffi::remote(Enum)]
/// A number of `ClerkDay`.
pub enum TodayFigure {
    /// Tasks that are not closed.
    Open,
    /// Of these, on today's list.
    Due,
    /// Tasks done today.
    Done,
    /// Dials today.
    Attempts,
    /// Of these, answered.
    Answered,
    /// Visits agreed today.
    Agreed,
    /// Messages handed over today.
    Messages,
    /// Tasks that ran out without a result, within the last days.
    Overdue,
}

#[uniffi::remote(Record)]
/// One entry of the list behind a number.
pub struct TodayItem {
    /// The member.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// Who did it, or whose task it is.
    pub staff_id: Option<String>,
    /// The task, if it belongs to one.
    pub task_id: Option<String>,
    /// The task's last day.
    pub due: Option<CivilDate>,
    /// When, UTC.
    pub at_ms: i64,
    /// State of the task or message, carrier's result or outcome, as a code; empty while a dial's
    /// result is not told.
    pub code: String,
    /// Of what it is the code, as the group of its words: `task_state`, `send`, `carrier`, `outcome`.
    pub group: Word,
    /// It is a task that can still be given to somebody.
    pub may_give: bool,
}

#[uniffi::remote(Enum)]
/// Whose numbers.
pub enum Whose {
    /// The whole store's.
    Store,
    /// Tasks that are nobody's.
    Nobody,
    /// Those of one member of staff.
    Staff(String),
}

#[uniffi::remote(Record)]
/// A consent for which a member is asked.
pub struct ConsentForm {
    /// What for, as a code; the key of its words.
    pub purpose: Word,
    /// Version of the words, to be stored with the answer.
    pub wording_version: Word,
}

#[uniffi::remote(Record)]
/// How a member stands to a consent.
pub struct ConsentStanding {
    /// What for, as a code; the key of its words.
    pub purpose: String,
    /// It is given for every channel, unless an answer for one says otherwise.
    pub granted: bool,
    /// Version of the words, to be stored with an answer; none: it is of a newer hub and not asked here.
    pub wording_version: Option<Word>,
    /// What the member said, for every channel or for one; empty: it was never asked.
    pub answers: Vec<ConsentRow>,
}

#[uniffi::remote(Record)]
/// A disease that may be chosen.
pub struct DiseaseRow {
    /// Its code; the key of its name.
    pub code: Word,
    /// Chronic.
    pub chronic: bool,
}

#[uniffi::remote(Record)]
/// A signature as the screen took it.
pub struct DrawnSignature {
    /// The pad's width, in the unit of the points.
    pub width: f32,
    /// The strokes, each as right, down, right, down … from the pad's upper left corner.
    pub strokes: Vec<Vec<f32>>,
    /// Purposes of the consents that the member saw when it signed. It stands for these and no others.
    pub purposes: Vec<String>,
}

#[uniffi::remote(Record)]
/// What may be corrected of a member in a form, as it is typed.
pub struct MemberForm {
    /// Name.
    pub name: String,
    /// A new phone number; empty: the one that is there stays.
    pub phone: String,
    /// Sex, as a code; none: it is not known.
    pub sex: Option<String>,
    /// Birthday, empty if it is not known.
    pub birthday: String,
}

#[uniffi::remote(Record)]
/// A consent as a clerk takes it.
pub struct NewConsent {
    /// Purpose, as a code.
    #[uniffi(default)]
    pub purpose: String,
    /// Channel, as a code; none: every channel.
    #[uniffi(default)]
    pub channel: Option<String>,
    /// Given or withdrawn.
    #[uniffi(default)]
    pub granted: bool,
    /// Version of the wording that was shown.
    #[uniffi(default)]
    pub wording_version: String,
}

#[uniffi::remote(Record)]
/// A new member at the counter.
pub struct NewMember {
    /// Name.
    #[uniffi(default)]
    pub name: String,
    /// Phone number as typed; none or empty: there is none.
    #[uniffi(default)]
    pub phone: Option<String>,
    /// Sex, as a code.
    #[uniffi(default)]
    pub sex: Option<String>,
    /// Birthday.
    #[uniffi(default)]
    pub birthday: Option<CivilDate>,
    /// Disease codes or names.
    #[uniffi(default)]
    pub diseases: Vec<String>,
    /// Allergies, as the member said them; one text may name several, with commas or spaces between.
    #[uniffi(default)]
    pub allergies: Vec<String>,
    /// Tags.
    #[uniffi(default)]
    pub tags: Vec<String>,
    /// Height in centimetres.
    #[uniffi(default)]
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    #[uniffi(default)]
    pub weight_hg: Option<u16>,
    /// Consents.
    #[uniffi(default)]
    pub consents: Vec<NewConsent>,
    /// What the member signed them with; none: not on the screen.
    #[uniffi(default)]
    pub signature: Option<DrawnSignature>,
}

#[uniffi::remote(Record)]
/// How a member takes one ingredient; what is none stays.
pub struct NewRegimen {
    /// The ingredient.
    pub ingredient: String,
    /// Units a day in thousandths.
    #[uniffi(default)]
    pub daily_units_milli: Option<i64>,
    /// Stock up to and including this day.
    #[uniffi(default)]
    pub stock_until: Option<CivilDate>,
    /// No longer taken.
    #[uniffi(default)]
    pub inactive: bool,
}

#[uniffi::remote(Record)]
/// A member that was registered.
pub struct Registered {
    /// The member, under its temporary id until the hub gives one.
    pub member: MemberRow,
    /// Others on the same number, who may be the same person or its household.
    pub same_number: Vec<MemberRow>,
    /// The operation.
    pub acted: Acted,
}

#[uniffi::remote(Record)]
/// What a registration begins with.
pub struct TypedMember {
    /// Name; empty if a number was typed.
    pub name: String,
    /// Phone number; empty if a name was typed.
    pub phone: String,
}

#[uniffi::remote(Record)]
/// A message that the gate put off.
pub struct MessageDeferred {
    /// Key of the send.
    pub key: String,
    /// To whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// Why.
    pub reason: GateReason,
    /// From then on it may be sent, UTC.
    pub until_ms: i64,
    /// Given up then, UTC.
    pub expires_ms: i64,
    /// It may be sent now (`ClerkApp::due_messages`).
    pub due: bool,
}

#[uniffi::remote(Record)]
/// A message to hand over: its send is stored as queued.
pub struct MessageOut {
    /// Key of the send; `ClerkApp::message_told` tells what became of it.
    pub key: String,
    /// To whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// By which channel.
    pub channel: Channel,
    /// The text, filled in.
    pub text: String,
    /// The number, for the SMS app and nothing else; none for WeChat.
    pub number: Option<PhoneNumber>,
}

#[uniffi::remote(Record)]
/// A message as it would be.
pub struct MessagePreview {
    /// To whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// The number, masked.
    pub phone_masked: Option<String>,
    /// The text, filled in.
    pub text: String,
    /// What the gate says.
    pub gate: GateVerdict,
}

#[uniffi::remote(Record)]
/// A message from a template to members as it would be.
pub struct MessagePreviews {
    /// For the first of them.
    pub shown: Vec<MessagePreview>,
    /// How many more there are.
    pub more: Amount,
    /// The gate lets it reach somebody, now or later, as far as it was asked.
    pub possible: bool,
}

#[uniffi::remote(Record)]
/// What became of a message to a group.
pub struct MessageResult {
    /// To hand over now.
    pub ready: Vec<MessageOut>,
    /// Put off.
    pub deferred: Vec<MessageDeferred>,
    /// Refused, with the reason.
    pub refused: Vec<RefusedOne>,
    /// The same by reason, the most frequent first.
    pub reasons: Vec<RefusedBy>,
}

#[uniffi::remote(Record)]
/// A message that was handed out and of which nothing was told since.
pub struct OpenMessage {
    /// Key of the send.
    pub key: String,
    /// To whom.
    pub member_id: String,
    /// The member's name.
    pub name: String,
    /// By which channel, as a code.
    pub channel: String,
    /// From which template.
    pub template_id: String,
    /// When it was handed out, UTC.
    pub at_ms: i64,
}

#[uniffi::remote(Record)]
/// Whom a reason refused.
pub struct RefusedBy {
    /// Why, as a code.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Values,
    /// The members' names; the id of one that is not here.
    pub names: Vec<String>,
}

#[uniffi::remote(Record)]
/// A template, ready to show.
pub struct TemplateRow {
    /// Id.
    pub template_id: String,
    /// Title.
    pub title: String,
    /// `sms` or `wechat`.
    pub channel: Channel,
    /// Service or marketing.
    pub purpose: ContactPurposeCode,
    /// The text with its placeholders.
    pub text: String,
    /// It promotes something.
    pub promotional: bool,
    /// What is wrong with it, as codes; a template with findings is not sent.
    pub findings: Vec<Word>,
}

#[uniffi::remote(Enum)]
/// What became of a message that was handed out.
pub enum Told {
    /// It was sent: the device says so, or the clerk.
    Sent,
    /// It arrived.
    Delivered,
    /// The clerk did not send it.
    NotSent,
    /// Nothing on the device sends it.
    NoApp,
    /// The device could not send it.
    Failed {
        /// Why, as the device's code.
        reason: String,
    },
}

#[uniffi::remote(Record)]
/// An outcome that is offered.
pub struct OutcomeChoice {
    /// What came of it.
    pub code: OutcomeCode,
    /// Whether a day is asked for.
    pub day: Answer,
    /// The last day that is taken; none where no day is asked for.
    pub last_day: Option<CivilDate>,
    /// Whether it is asked which medicine it concerns.
    pub medicine: Answer,
    /// Whether a note is asked for; one may be left with every outcome.
    pub note: Answer,
    /// Something of these is asked before it is recorded; else a touch records it.
    pub asks: bool,
}

#[uniffi::remote(Record)]
/// What may be recorded of a task.
pub struct OutcomeChoices {
    /// The outcomes, in the order in which they are offered; none for a message.
    pub choices: Vec<OutcomeChoice>,
    /// Ingredients of the medicines that an outcome may be about, what the task is about first. Those that lapsed
    /// are left out: who bought here for years would be asked about dozens.
    pub medicines: Vec<String>,
    /// The one that is meant if the clerk names none: what the task is about.
    pub medicine: Option<String>,
}

#[uniffi::remote(Record)]
/// How many members a chip stands for.
pub struct CodeCount {
    /// Code, or the word itself for diseases and tags.
    pub code: String,
    /// Members.
    pub count: u32,
}

#[uniffi::remote(Record)]
/// What may be told of the tasks without unlocking: numbers, and nobody's name.
pub struct DueCounts {
    /// On today's list.
    pub due: Amount,
    /// Of these, emergencies.
    pub emergencies: Amount,
}

#[uniffi::remote(Record)]
/// Members of the store by what a clerk picks them by. Each count is that of the group behind it.
pub struct MemberCounts {
    /// The day for which they hold.
    pub as_of: CivilDate,
    /// All of them.
    pub members: u32,
    /// By class, in the order of the specification.
    pub classes: Vec<CodeCount>,
    /// Chronic and general.
    pub care: Vec<CodeCount>,
    /// By disease code, commonest first.
    pub diseases: Vec<CodeCount>,
    /// By tag, commonest first.
    pub tags: Vec<CodeCount>,
    /// With a medicine that is running low or out, by status.
    pub medicines: Vec<CodeCount>,
    /// Birthday today or within the week.
    pub birthdays: u32,
}

#[uniffi::remote(Record)]
/// Tasks by what a clerk picks them by.
pub struct TaskCounts {
    /// Of each view, in the order in which they are shown.
    pub views: Vec<ViewCount>,
    /// Of today's list, emergencies.
    pub emergencies: Amount,
    /// Of today's list, by class; those of no class are missing.
    pub classes: Vec<CodeCount>,
    /// Of today's list, by kind.
    pub kinds: Vec<CodeCount>,
    /// Messages that wait for the clerk: put off until now, or handed out and nobody said what became of them.
    pub messages: Amount,
}

#[uniffi::remote(Record)]
/// How many tasks a view shows.
pub struct ViewCount {
    /// The view.
    pub view: TaskView,
    /// Its tasks.
    pub count: Amount,
}

#[uniffi::remote(Record)]
/// An allergy.
pub struct AllergyRow {
    /// What the member said.
    pub text: String,
    /// Ingredients it concerns.
    pub ingredients: Vec<String>,
}

#[uniffi::remote(Record)]
/// The class and why.
pub struct ClassWhy {
    /// The class, as a code.
    pub class: String,
    /// The row of the table that fired, as a class.
    pub base: String,
    /// Health lifted it by one step.
    pub lifted: bool,
    /// Days since the last visit day.
    pub recency: Option<i64>,
    /// Visit days in the window.
    pub frequency: i64,
    /// Net fen in the window.
    pub monetary_fen: i64,
    /// Net fen a visit.
    pub basket_fen: Option<i64>,
    /// Score of recency.
    pub r: u8,
    /// Score of frequency.
    pub f: u8,
    /// Score of monetary.
    pub m: u8,
    /// Health need; none if unknown.
    pub h: Option<u8>,
    /// Recency reached its mark.
    pub recent: bool,
    /// Frequency reached its mark.
    pub frequent: bool,
    /// Monetary reached its mark.
    pub big: bool,
    /// 0..=100.
    pub value_index: u8,
    /// Version of the model, 0 if none was published.
    pub model_version: u64,
}

#[uniffi::remote(Record)]
/// A consent.
pub struct ConsentRow {
    /// Purpose, as a code.
    pub purpose: String,
    /// Channel, as a code; none: every channel.
    pub channel: Option<String>,
    /// Given or withdrawn.
    pub granted: bool,
    /// When, UTC.
    pub at_ms: i64,
    /// Version of the wording.
    pub wording_version: String,
    /// Where.
    pub place: String,
    /// Who took it.
    pub staff_id: Option<String>,
}

#[uniffi::remote(Record)]
/// The last contact that reached the member.
pub struct ContactRow {
    /// When, UTC.
    pub at_ms: i64,
    /// Channel, as a code.
    pub channel: String,
    /// What came of it, as a code.
    pub outcome: Option<String>,
    /// Who it was.
    pub staff_id: Option<String>,
    /// That person's name, if the phone knows it.
    pub staff_name: Option<String>,
}

#[uniffi::remote(Record)]
/// What the member tends to.
pub struct LeaningsRow {
    /// Loyal to this manufacturer.
    pub brand: Option<String>,
    /// `price_minded` or `quality_minded`.
    pub price: Option<String>,
    /// Visits every so many days.
    pub rhythm_days: Option<i64>,
    /// `none`, `occasional`, `frequent`.
    pub testing: String,
    /// The highest current grade.
    pub severity: Option<String>,
}

#[uniffi::remote(Record)]
/// A medicine and when it runs out.
pub struct MedicineRow {
    /// The ingredient.
    pub ingredient: String,
    /// The drug bought last.
    pub drug_id: Option<String>,
    /// Its name.
    pub drug_name: Option<String>,
    /// Its strength and pack.
    pub spec: Option<String>,
    /// Day of the last fill.
    pub last_fill: Option<CivilDate>,
    /// Last day with stock.
    pub end: Option<CivilDate>,
    /// Days until then; below 0: since then.
    pub days_left: Option<i64>,
    /// `in_use`, `running_low`, `out`, `lapsed`; none if unknown.
    pub status: Option<String>,
    /// The end is an estimate.
    pub estimated: bool,
    /// When it runs out, in words; that it is not taken any more goes before.
    pub end_says: Say,
    /// No longer taken.
    pub inactive: bool,
    /// It is taken and has run out: it stands out.
    pub stands_out: bool,
    /// It is taken and is running low.
    pub warns: bool,
    /// Days covered, in per cent, floored; none if it cannot be told.
    pub pdc_percent: Option<i64>,
    /// Adherent by that.
    pub adherent: Option<bool>,
    /// Packs of any drug with this ingredient in the store, in thousandths; none if it was never told.
    pub stock_milli: Option<i64>,
    /// An allergy names the ingredient.
    pub allergy: bool,
}

#[uniffi::remote(Record)]
/// A note.
pub struct NoteRow {
    /// Id.
    pub note_id: String,
    /// When, UTC.
    pub at_ms: i64,
    /// Who wrote it.
    pub staff_id: String,
    /// That person's name, if the phone knows it.
    pub staff_name: Option<String>,
    /// The text.
    pub text: String,
}

#[uniffi::remote(Record)]
/// A member at a glance.
pub struct Profile {
    /// Allergies, first and in the danger colour.
    pub allergies: Vec<AllergyRow>,
    /// Who it is.
    pub member: MemberRow,
    /// Birthday.
    pub birthday: Option<CivilDate>,
    /// Days to the next birthday.
    pub birthday_in_days: Option<i64>,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
    /// The number does not reach the member.
    pub phone_invalid: bool,
    /// Ask for the right number.
    pub ask_number: bool,
    /// The member wants no contact.
    pub do_not_contact: bool,
    /// The member has died.
    pub deceased: bool,
    /// All contact pauses up to and including this day.
    pub paused_until: Option<CivilDate>,
    /// The class and why.
    pub class: ClassWhy,
    /// `chronic` or `general`.
    pub care: String,
    /// Last visit day, of all time.
    pub last_visit: Option<CivilDate>,
    /// Visits, of all time.
    pub times: u32,
    /// Net fen, of all time.
    pub total_fen: i64,
    /// Net fen a visit, of all time, half up.
    pub basket_fen: Option<i64>,
    /// Latest blood pressure.
    pub bp: Option<ReadingRow>,
    /// Latest glucose.
    pub glucose: Option<ReadingRow>,
    /// Medicines: what runs out first comes first.
    pub medicines: Vec<MedicineRow>,
    /// How the member takes what a clerk asked about, by ingredient.
    pub regimens: Vec<RegimenRow>,
    /// The latest day of purchases.
    pub latest_purchase: Option<HistoryDay>,
    /// What the member tends to.
    pub leanings: LeaningsRow,
    /// Tags.
    pub tags: Vec<String>,
    /// Disease codes.
    pub diseases: Vec<String>,
    /// How the member stands to each consent.
    pub consents: Vec<ConsentStanding>,
    /// The newest notes.
    pub notes: Vec<NoteRow>,
    /// The last contact that reached the member.
    pub last_contact: Option<ContactRow>,
    /// Tasks that wait.
    pub tasks: Vec<TaskBrief>,
    /// What a call to the member is made for: the task that waits for one, so that what comes of it is recorded;
    /// else none.
    pub call: DialTarget,
    /// What the gate says of that call.
    pub call_gate: GateVerdict,
    /// Others on the same number.
    pub household: Vec<MemberRow>,
    /// What to say.
    pub say: Vec<Say>,
}

#[uniffi::remote(Record)]
/// How the member takes an ingredient, as a clerk recorded it.
pub struct RegimenRow {
    /// The ingredient.
    pub ingredient: String,
    /// Units a day in thousandths; none: as the drug says.
    pub daily_units_milli: Option<i64>,
    /// Stock up to and including this day.
    pub stock_until: Option<CivilDate>,
    /// No longer taken.
    pub inactive: bool,
    /// Day of the last change.
    pub changed_on: CivilDate,
}

#[uniffi::remote(Record)]
/// Something in words: the text `group.code`, with values;
/// `kind_of` tells how each is said.
pub struct Say {
    /// The group of texts in which its words are.
    pub group: Word,
    /// For example `medicine_out`, `ask_number`.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Values,
}

#[uniffi::remote(Record)]
/// A task that waits.
pub struct TaskBrief {
    /// Id.
    pub task_id: String,
    /// Kind, as a code.
    pub kind: String,
    /// What is done with it by a touch.
    pub act: TaskAct,
    /// State, as a code.
    pub state: String,
    /// Last day.
    pub due: CivilDate,
    /// Why.
    pub why: Say,
    /// Who it is allotted to.
    pub assignee: Option<String>,
    /// An emergency.
    pub emergency: bool,
}

#[uniffi::remote(Record)]
/// What became of a new reading.
pub struct ReadingAdded {
    /// The reading, with its grade.
    pub reading: ReadingRow,
    /// It raises an alarm: the member is to be warned now.
    pub alarm: bool,
    /// What the chain advises at this grade.
    pub advice: Option<Script>,
    /// The same-day pharmacist's task that it raised.
    pub task_id: Option<String>,
    /// The operation.
    pub acted: Acted,
}

#[uniffi::remote(Record)]
/// A reading as it shows.
pub struct ReadingRow {
    /// Id.
    pub reading_id: String,
    /// When, UTC.
    pub taken_at_ms: i64,
    /// Business day.
    pub day: CivilDate,
    /// `bp` or `glucose`.
    pub kind: String,
    /// `office`, `home`, `fasting`, `after_meal`, `random`.
    pub context: String,
    /// mmHg.
    pub systolic: Option<u16>,
    /// mmHg.
    pub diastolic: Option<u16>,
    /// Tenths of mmol/L.
    pub glucose_tenths: Option<u16>,
    /// The value as it is said: 150/95 or 6.1.
    pub value: String,
    /// How it moved since the reading before, as it is said: +5 or -0.3; none: there is none to compare with.
    pub change: Option<String>,
    /// Grade, as a code.
    pub grade: Option<String>,
    /// Meets the member's target.
    pub in_target: Option<bool>,
    /// An emergency by its values.
    pub emergency: bool,
    /// It wants attention: an emergency, or beside the member's target.
    pub stands_out: bool,
    /// Change of the systolic pressure since the reading before, mmHg.
    pub systolic_change: Option<i32>,
    /// Change of the diastolic pressure since the reading before, mmHg.
    pub diastolic_change: Option<i32>,
    /// Change of the glucose since the reading before in the same context, tenths of mmol/L.
    pub glucose_change_tenths: Option<i32>,
    /// Who took it.
    pub staff_id: Option<String>,
}

#[uniffi::remote(Record)]
/// A member's readings, newest first.
pub struct Readings {
    /// The readings.
    pub readings: Vec<ReadingRow>,
    /// Share of them in target, in per cent; none without readings.
    pub in_target_percent: Option<u32>,
    /// Where the values should lie, for each number and context of the kinds asked for.
    pub targets: Vec<TargetBand>,
}

#[uniffi::remote(Record)]
/// Where a number of a member should lie.
pub struct TargetBand {
    /// `systolic`, `diastolic` (mmHg) or `glucose` (tenths of mmol/L).
    pub field: Word,
    /// Places behind the point with which it shows.
    pub decimals: u8,
    /// For readings of this context; none: of every context that is shown.
    pub context: Option<Word>,
    /// From this value on; none: however low.
    pub from: Option<u16>,
    /// Up to this value, itself included.
    pub to: u16,
}

#[uniffi::remote(Record)]
/// A file that the phone's own recorder wrote, or that another app shared.
pub struct RecorderFile {
    /// By what the shell finds it again.
    pub id: String,
    /// Its name, with what the recorder put into it.
    pub name: String,
    /// When it was last written, UTC.
    pub at_ms: i64,
    /// Its size.
    pub bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
}

#[uniffi::remote(Record)]
/// Files of the recorder beside a call.
pub struct RecordingMatch {
    /// Id of the only file that fits by number and time: the call's.
    pub found: Option<String>,
    /// All files, those that fit first, then the nearest to the call.
    pub files: Vec<RecorderFile>,
}

#[uniffi::remote(Record)]
/// A recording, ready to show.
pub struct RecordingRow {
    /// The call.
    pub attempt_id: String,
    /// Who was called.
    pub member_id: String,
    /// The member's name, if it is here.
    pub member_name: Option<String>,
    /// Who called.
    pub staff_id: String,
    /// When the call began, UTC.
    pub call_at_ms: i64,
    /// `none`, `waiting`, `uploaded`, `refused`, `deleted`, or `at_hub`: another phone sent it.
    pub state: Word,
    /// Why there is none, or none any more, as a code; for example `gate.no_consent`.
    pub reason: Option<String>,
    /// It can be played on this phone.
    pub here: bool,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes that the hub has.
    pub sent_bytes: u64,
    /// For example `audio/mp4`.
    pub media_type: String,
    /// Why the last upload did not succeed, as a code.
    pub last_error: Option<String>,
}

#[uniffi::remote(Record)]
/// How much room recordings take on this phone.
pub struct RecordingUsage {
    /// Bytes of those that are here.
    pub bytes: u64,
    /// Bytes that they may take.
    pub bytes_max: u64,
    /// How many wait for their upload.
    pub waiting: u64,
    /// Bytes of these.
    pub waiting_bytes: u64,
    /// They go up by Wi-Fi only.
    pub wifi_only: bool,
    /// Why nothing goes up now: `no_network` or `needs_wifi`.
    pub held_back: Option<Word>,
}

#[uniffi::remote(Record)]
/// What an upload did.
pub struct UploadReport {
    /// Recordings that the hub has whole now.
    pub uploaded: u32,
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Recordings that the hub refused for good; the list says why.
    pub refused: u32,
    /// Recordings that wait on.
    pub waiting: u64,
    /// Why it did not begin or ended early: `upload_running`, `no_network`, `needs_wifi`.
    pub held_back: Option<Word>,
    /// What went wrong, as a code: try again later.
    pub problem: Option<String>,
}
