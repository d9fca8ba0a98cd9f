//! [`ClerkApp`] across the boundary: the core's facade, call by call, in the order of its modules.

use std::path::Path;
use std::sync::Arc;

use yaoban_clerk_core::clock::{Clock, SystemClock};
use yaoban_clerk_core::facade;
use yaoban_clerk_core::facade::contact::{
    Dial, DialTarget, EndedAttempt, GateVerdict, NewOutcome, OpenAttempt, Recorded,
};
use yaoban_clerk_core::facade::device::Storage;
use yaoban_clerk_core::facade::doctor::CheckupFindings;
use yaoban_clerk_core::facade::entry::{ReadingCheck, ReadingForm, TypedReading};
use yaoban_clerk_core::facade::find::{FOUND_MAX, Found};
use yaoban_clerk_core::facade::groups::{Group, GroupConditions, SavedGroup};
use yaoban_clerk_core::facade::history::{DaysAsked, HistoryPage};
use yaoban_clerk_core::facade::manager::{
    DuplicateRow, Reassigned, SyncQueue, Today, TodayFigure, TodayItem, Whose,
};
use yaoban_clerk_core::facade::members::{
    ConsentForm, DiseaseRow, DrawnSignature, MemberForm, NewConsent, NewMember, NewRegimen, Registered,
    TypedMember,
};
use yaoban_clerk_core::facade::message::{
    MessageDeferred, MessageOut, MessagePreviews, MessageResult, OpenMessage, TemplateRow, Told,
};
use yaoban_clerk_core::facade::outcomes::OutcomeChoices;
use yaoban_clerk_core::facade::overview::{DueCounts, MemberCounts, TaskCounts};
use yaoban_clerk_core::facade::profile::Profile;
use yaoban_clerk_core::facade::readings::{ReadingAdded, Readings};
use yaoban_clerk_core::facade::recordings::{
    RecorderFile, RecordingMatch, RecordingRow, RecordingUsage, UploadReport,
};
use yaoban_clerk_core::facade::staff::StaffRow;
use yaoban_clerk_core::facade::tasks::{GroupTasks, TaskDetail, TaskFilter, TaskList, TaskRow};
use yaoban_clerk_core::facade::{Acted, Paired, PairingOffer, ReasonCount, Status, SyncReport};
use yaoban_clerk_core::recording::Network;
use yaoban_domain::codes::{CarrierResult, Channel, SendState};

use crate::custom::{Amount, CivilDate};
use crate::error::Result;
use crate::handles::{BackgroundSync, CancelHandle, RecordingPlayer};
use crate::platform::{
    BackgroundListener, Changes, DataListener, Ear, Hands, KeyVault, ProgressListener, RecordingSource,
    Stream, Vault, WallClock,
};

/// A phone of a store. Calls block and may come from any thread; only those that say so wait for the
/// network.
#[derive(uniffi::Object)]
pub struct ClerkApp {
    core: Arc<facade::ClerkApp>,
}

/// What is not a plain call of the facade.
#[uniffi::export]
impl ClerkApp {
    /// Opens the phone in its directory; makes the file if there is none. A damaged file is set aside
    /// (see `PhoneStatus.set_aside`), a newer one is refused and kept. Without a clock the system's
    /// counts. The lock is put off by `touch` alone.
    #[uniffi::constructor]
    pub fn open(
        home: &str,
        vault: Arc<dyn KeyVault>,
        clock: Option<Arc<dyn WallClock>>,
    ) -> Result<Arc<Self>> {
        let clock: Arc<dyn Clock> = match clock {
            Some(clock) => Arc::new(Hands(clock)),
            None => Arc::new(SystemClock),
        };
        let core = facade::ClerkApp::open(Path::new(home), &Vault(vault), clock)?;
        core.touched_by_shell();
        Ok(Arc::new(Self { core: Arc::new(core) }))
    }

    /// Sets who hears that rows changed; none: nobody.
    pub fn set_data_listener(&self, listener: Option<Arc<dyn DataListener>>) {
        let store = self.core.store();
        match listener {
            Some(listener) => store.set_listener(Some(Arc::new(Changes(listener)))),
            None => store.set_listener(None),
        }
    }

    /// One round with the hub. Afterwards the figures of whoever changed are computed. Waits for the
    /// network.
    pub fn sync(
        &self,
        listener: Option<Arc<dyn ProgressListener>>,
        cancel: &CancelHandle,
    ) -> Result<SyncReport> {
        Ok(self.core.sync(&Ear(listener), cancel.inner())?)
    }

    /// Round after round on a thread of its own, with the hub's long poll between them.
    pub fn start_background_sync(
        &self,
        listener: Arc<dyn BackgroundListener>,
    ) -> Result<Arc<BackgroundSync>> {
        Ok(Arc::new(BackgroundSync::start(&self.core, listener)?))
    }

    /// Today, by the chain's calendar.
    pub fn today(&self) -> CivilDate {
        self.core.today()
    }

    /// The civil date of an instant, by the chain's calendar.
    pub fn day_of(&self, at_ms: i64) -> CivilDate {
        self.core.local(at_ms).date()
    }

    /// The chain's time zone, by its IANA name: instants show by its clock, whatever the phone is set to.
    pub fn time_zone(&self) -> String {
        self.core.time_zone()
    }

    /// Somebody touched the phone: the lock is put off. Refused once it has fallen.
    pub fn touch(&self) -> Result<()> {
        Ok(self.core.touch()?)
    }

    /// Who is signed in, locked or not.
    pub fn signed_in(&self) -> Option<String> {
        self.core.signed_in()
    }

    /// Whether the lock has fallen.
    pub fn is_locked(&self) -> bool {
        self.core.is_locked()
    }

    /// Tells which network the phone is on. An upload that may not go on ends with its part.
    pub fn set_network(&self, network: Network) {
        self.core.set_network(network);
    }

    /// Sets whether recordings go up by Wi-Fi only (they do, until this is turned off).
    pub fn set_recording_wifi_only(&self, on: bool) -> Result<()> {
        Ok(self.core.set_recording_wifi_only(on)?)
    }

    /// Attaches the recording of a call. Read to its end, stored encrypted, uploaded later. The same
    /// bytes again change nothing.
    pub fn attach_recording(
        &self,
        attempt_id: &str,
        source: Arc<dyn RecordingSource>,
        media_type: &str,
    ) -> Result<RecordingRow> {
        let mut stream = Stream(source);
        Ok(self.core.attach_recording(attempt_id, &mut stream, media_type)?)
    }

    /// The content of a recording, decrypted while it is read, from any place. Refused if it is not on
    /// this phone (`recording_not_here`) or its member is not here any more.
    pub fn play_recording(&self, attempt_id: &str) -> Result<Arc<RecordingPlayer>> {
        Ok(Arc::new(RecordingPlayer::from(
            self.core.play_recording(attempt_id)?,
        )))
    }
}

#[uniffi::export]
impl ClerkApp {
    /// Numbers what is held, moves the log into the file and closes it. Everything else fails with
    /// `paused` until `resume`.
    pub fn pause(&self) -> Result<()> {
        Ok(self.core.pause()?)
    }

    /// Opens the file again.
    pub fn resume(&self) -> Result<()> {
        Ok(self.core.resume()?)
    }

    /// Whose phone the hub's one-time code makes, to be shown before it is accepted. The code stays good.
    pub fn pairing_offer(&self, code: &str) -> Result<PairingOffer> {
        Ok(self.core.pairing_offer(code)?)
    }

    /// Pairs the phone by the hub's one-time code.
    pub fn pair(&self, code: &str, device_name: &str) -> Result<Paired> {
        Ok(self.core.pair(code, device_name)?)
    }

    /// Brings the figures up to today, in short batches; called after a round, at the start and
    /// when a new day begins. Lists and groups show the figures of the last time.
    pub fn refresh(&self, cancel: &CancelHandle) -> Result<()> {
        Ok(self.core.refresh(cancel.inner())?)
    }

    /// How the phone stands.
    pub fn status(&self) -> Result<Status> {
        Ok(self.core.status()?)
    }

    /// The clerk has seen a stuck operation.
    pub fn put_away(&self, outbox_id: i64) -> Result<()> {
        Ok(self.core.put_away(outbox_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What the phone's data take up.
    pub fn storage(&self) -> Result<Storage> {
        Ok(self.core.storage()?)
    }

    /// Ends the pairing: everything that the phone holds is deleted, recordings and damaged files that
    /// were set aside too. Refused with `unsent` while operations or recordings wait to be sent,
    /// unless `lose` says that they may be lost. Afterwards every call fails with `paused`; the platform then destroys the key,
    /// and the phone begins anew with `open`.
    pub fn unpair(&self, lose: bool) -> Result<()> {
        Ok(self.core.unpair(lose)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The staff of the store who may use this phone, by name.
    pub fn staff(&self) -> Result<Vec<StaffRow>> {
        Ok(self.core.staff()?)
    }

    /// Signs somebody in, or lifts the lock. Who has set a PIN on this phone gives it; the platform's
    /// biometrics stand for it with `switch_staff_biometric`. After some wrong PINs (rules,
    /// `device`) nobody can try for that person for a while.
    pub fn switch_staff(&self, staff_id: &str, pin: Option<String>) -> Result<()> {
        Ok(self.core.switch_staff(staff_id, pin.as_deref())?)
    }

    /// Signs somebody in whom the platform has recognised.
    pub fn switch_staff_biometric(&self, staff_id: &str) -> Result<()> {
        Ok(self.core.switch_staff_biometric(staff_id)?)
    }

    /// Signs out; the next person chooses itself.
    pub fn sign_out(&self) -> Result<()> {
        Ok(self.core.sign_out()?)
    }

    /// Sets the PIN of a member of staff on this phone. Who has one gives the old one.
    pub fn set_pin(&self, staff_id: &str, old: Option<String>, new: &str) -> Result<()> {
        Ok(self.core.set_pin(staff_id, old.as_deref(), new)?)
    }

    /// The lock falls now.
    pub fn lock_now(&self) -> Result<()> {
        Ok(self.core.lock_now()?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What readings are typed into, one form for each kind.
    pub fn reading_forms(&self) -> Vec<ReadingForm> {
        self.core.reading_forms()
    }

    /// What a reading says while it is typed, none while nothing is. Nothing is stored.
    pub fn check_typed(&self, member_id: &str, typed: TypedReading) -> Result<Option<ReadingCheck>> {
        Ok(self.core.check_typed(member_id, &typed)?)
    }

    /// Stores a reading as it was typed.
    pub fn add_typed(&self, member_id: &str, typed: TypedReading) -> Result<ReadingAdded> {
        Ok(self.core.add_typed(member_id, &typed)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The members that fit what was typed, best first; while nothing is typed, those who were opened last.
    pub fn find(&self, text: &str) -> Result<Found> {
        Ok(self.core.find(text, FOUND_MAX)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// Looks a member of another store up by its whole phone number or its id.
    pub fn lookup(&self, query: &str, reason: &str, cancel: &CancelHandle) -> Result<Found> {
        Ok(self.core.lookup(query, reason, cancel.inner())?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// A member at a glance, by id, alias or card.
    pub fn profile(&self, member_id: &str) -> Result<Profile> {
        Ok(self.core.profile(member_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// A page of days, newest first: the phone's first, then the hub's, which are shown and not kept. Of one
    /// ingredient a page of the hub's may hold nothing though there is a next one. Waits for the network only for
    /// the hub's days.
    pub fn history(&self, member_id: &str, asked: DaysAsked, cancel: &CancelHandle) -> Result<HistoryPage> {
        Ok(self.core.history(member_id, &asked, cancel.inner())?)
    }

    /// The ingredients that a member bought, as far as the phone holds it, the latest bought first.
    pub fn bought_ingredients(&self, member_id: &str) -> Result<Vec<String>> {
        Ok(self.core.bought_ingredients(member_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The readings of a member, newest first, of one kind (`bp`, `glucose`) or of both.
    pub fn readings(&self, member_id: &str, kind: Option<String>, limit: u32) -> Result<Readings> {
        Ok(self.core.readings(member_id, kind.as_deref(), limit)?)
    }

    /// The readings of one kind of the last twelve months, newest first: what a chart shows.
    pub fn trend(&self, member_id: &str, kind: &str) -> Result<Readings> {
        Ok(self.core.trend(member_id, kind)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What a member is asked to consent to, in the order in which it is.
    pub fn consent_forms(&self) -> Vec<ConsentForm> {
        self.core.consent_forms()
    }

    /// The diseases that may be chosen, in the order of the specification.
    pub fn diseases(&self) -> Vec<DiseaseRow> {
        self.core.diseases()
    }

    /// The sexes that may be chosen, as codes.
    pub fn sexes(&self) -> Vec<String> {
        self.core.sexes().into_iter().map(str::to_owned).collect()
    }

    /// A registration that begins with what was typed at the counter.
    pub fn begin_registration(&self, typed: &str) -> TypedMember {
        self.core.begin_registration(typed)
    }

    /// The birthday that was typed; none: nothing was. What is no date, or after today, is refused.
    pub fn typed_birthday(&self, text: &str) -> Result<Option<CivilDate>> {
        Ok(self.core.typed_birthday(text)?)
    }

    /// The units a day that were typed, in thousandths; none: nothing was. Anything else is refused.
    pub fn typed_units(&self, text: &str) -> Result<Option<i64>> {
        Ok(self.core.typed_units(text)?)
    }

    /// What a correction of the record begins with.
    pub fn member_form(&self, member_id: &str) -> Result<MemberForm> {
        Ok(self.core.member_form(member_id)?)
    }

    /// Stores what was changed in a form since it began, and nothing else. A birthday that was emptied is refused.
    pub fn save_form(&self, member_id: &str, before: MemberForm, after: MemberForm) -> Result<()> {
        Ok(self.core.save_form(member_id, &before, &after)?)
    }

    /// Adds the allergies that a text names, with commas or spaces between.
    pub fn add_allergies(&self, member_id: &str, text: &str) -> Result<()> {
        Ok(self.core.add_allergies(member_id, text)?)
    }

    /// Takes an allergy away, by what the member said.
    pub fn remove_allergy(&self, member_id: &str, text: &str) -> Result<()> {
        Ok(self.core.remove_allergy(member_id, text)?)
    }

    /// Registers a member, without a network: it has a temporary id until the hub gives one.
    pub fn register(&self, new: NewMember) -> Result<Registered> {
        Ok(self.core.register(&new)?)
    }

    /// Adds and removes tags.
    pub fn tag(&self, member_id: &str, add: Vec<String>, remove: Vec<String>) -> Result<Acted> {
        Ok(self.core.tag(member_id, &add, &remove)?)
    }

    /// Writes a note; `supersedes` names the note that it corrects.
    pub fn add_note(&self, member_id: &str, text: &str, supersedes: Option<String>) -> Result<Acted> {
        Ok(self.core.add_note(member_id, text, supersedes.as_deref())?)
    }

    /// Gives or withdraws a consent.
    #[uniffi::method(default(signature = None))]
    pub fn set_consent(
        &self,
        member_id: &str,
        new: NewConsent,
        signature: Option<DrawnSignature>,
    ) -> Result<Acted> {
        Ok(self.core.set_consent(member_id, &new, signature.as_ref())?)
    }

    /// Sets how the member takes one ingredient.
    pub fn set_regimen(&self, member_id: &str, new: NewRegimen) -> Result<Acted> {
        Ok(self.core.set_regimen(member_id, &new)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The whole task list in the order of the rules; screens take it by pages.
    pub fn tasks(&self, filter: TaskFilter) -> Result<TaskList> {
        Ok(self.core.tasks(&filter)?)
    }

    /// The task list in the order of the rules: at most `limit` households from `offset` on, each whole. A
    /// clerk who is marked off gets none of its own.
    pub fn task_page(&self, filter: TaskFilter, offset: Amount, limit: Amount) -> Result<TaskList> {
        Ok(self.core.task_page(&filter, offset, limit)?)
    }

    /// The first task of a list that is done by a call: whom to call next. None: nobody.
    pub fn next_call(&self, filter: TaskFilter) -> Result<Option<String>> {
        Ok(self.core.next_call(&filter)?)
    }

    /// One task with its script and history.
    pub fn task(&self, task_id: &str) -> Result<TaskDetail> {
        Ok(self.core.task(task_id)?)
    }

    /// The days that are one touch away where a day is asked for, up to the last one that is taken (none: any).
    pub fn near_days(&self, last: Option<CivilDate>) -> Vec<CivilDate> {
        self.core.near_days(last)
    }

    /// A service call that the clerk plans, on its list from a day on; none: today. Returns the task's id.
    #[uniffi::method(default(start = None))]
    pub fn plan_call(&self, member_id: &str, start: Option<CivilDate>) -> Result<String> {
        Ok(self.core.plan_call(member_id, start)?)
    }

    /// Service calls that the clerk plans for a group of members, from today on. One that is refused, or has
    /// a call by a clerk's wish already, is listed with its reason.
    pub fn plan_calls(&self, member_ids: Vec<String>) -> Result<GroupTasks> {
        Ok(self.core.plan_calls(&member_ids)?)
    }

    /// The task is put off until a day, and an instant of it.
    pub fn defer_task(&self, task_id: &str, until: CivilDate, until_ms: Option<i64>) -> Result<TaskRow> {
        Ok(self.core.defer_task(task_id, until, until_ms)?)
    }

    /// The task is cancelled: a clerk's own wish by the clerk, any by the manager.
    pub fn cancel_task(&self, task_id: &str) -> Result<TaskRow> {
        Ok(self.core.cancel_task(task_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What the gate says of a call, without making it.
    pub fn check_dial(&self, target: DialTarget) -> Result<GateVerdict> {
        Ok(self.core.check_dial(&target)?)
    }

    /// What a clerk says of the line, the commonest first. That a call for a task was answered is said by what
    /// came of it.
    pub fn carrier_choices(&self, target: DialTarget) -> Vec<CarrierResult> {
        self.core.carrier_choices(&target)
    }

    /// Begins a dial: the gate, then the attempt on the disk, then the number. A refusal of the gate
    /// is kept, and comes back as `gate.<reason>`.
    pub fn dial(&self, target: DialTarget) -> Result<Dial> {
        Ok(self.core.dial(&target)?)
    }

    /// The clerk's dials that wait for a word: what the carrier said, or what came of an answered
    /// call. Newest first.
    pub fn open_attempts(&self) -> Result<Vec<OpenAttempt>> {
        Ok(self.core.open_attempts()?)
    }

    /// How often the gate refused or put off a contact today, by reason.
    pub fn refusals_today(&self) -> Result<Vec<ReasonCount>> {
        Ok(self.core.refusals_today()?)
    }

    /// The dial ended: what the carrier's result does to the task and the number.
    pub fn end_attempt(
        &self,
        attempt_id: &str,
        result: CarrierResult,
        duration_s: Option<u32>,
    ) -> Result<EndedAttempt> {
        Ok(self.core.end_attempt(attempt_id, result, duration_s)?)
    }

    /// The device could not dial: nothing rang.
    pub fn dial_not_possible(&self, attempt_id: &str) -> Result<EndedAttempt> {
        Ok(self.core.dial_not_possible(attempt_id)?)
    }

    /// What came of a task. It shows at once and can be taken back for ten seconds; a task that
    /// follows is there at once as well.
    pub fn record_outcome(&self, task_id: &str, new: NewOutcome) -> Result<Recorded> {
        Ok(self.core.record_outcome(task_id, &new)?)
    }

    /// Takes an outcome back, as if it had never been. Returns its task. Refused with
    /// `take_back_over` once its ten seconds are over.
    pub fn take_back(&self, outcome_id: &str) -> Result<TaskRow> {
        Ok(self.core.take_back(outcome_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What may be recorded of a task, and what each outcome asks for.
    pub fn outcome_choices(&self, task_id: &str) -> Result<OutcomeChoices> {
        Ok(self.core.outcome_choices(task_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The templates for a channel; none: for every channel.
    pub fn templates(&self, channel: Option<Channel>) -> Result<Vec<TemplateRow>> {
        Ok(self.core.templates(channel)?)
    }

    /// The first members to whom a message from a template would go, with its text and what the gate says. Nothing
    /// is stored.
    pub fn preview_messages(&self, member_ids: Vec<String>, template_id: &str) -> Result<MessagePreviews> {
        Ok(self.core.preview_messages(&member_ids, template_id)?)
    }

    /// A message from a template to members, each through the gate. Those who are refused are listed
    /// with their reasons, and stop nobody else.
    pub fn message(&self, member_ids: Vec<String>, template_id: &str) -> Result<MessageResult> {
        Ok(self.core.message(&member_ids, template_id)?)
    }

    /// The message of a task. It is done once the message was handed over.
    pub fn message_task(&self, task_id: &str, template_id: &str) -> Result<MessageResult> {
        Ok(self.core.message_task(task_id, template_id)?)
    }

    /// What became of a message that was handed out. Returns where it stands.
    pub fn message_told(&self, key: &str, told: Told) -> Result<SendState> {
        Ok(self.core.message_told(key, &told)?)
    }

    /// The clerk's messages that were handed out and of which nothing was told since: it has to say
    /// what became of them (`message_told`).
    pub fn open_messages(&self) -> Result<Vec<OpenMessage>> {
        Ok(self.core.open_messages()?)
    }

    /// Hands a message of `open_messages` out once more, through the gate again. A refusal of the gate is kept,
    /// and comes back as `gate.<reason>`; the message stays among the open ones.
    pub fn hand_again(&self, key: &str) -> Result<MessageOut> {
        Ok(self.core.hand_again(key)?)
    }

    /// The clerk's messages that the gate put off, oldest first. Nothing changes.
    pub fn deferred_messages(&self) -> Result<Vec<MessageDeferred>> {
        Ok(self.core.deferred_messages()?)
    }

    /// Deferred messages whose time has come, through the gate once more. What is past its expiry
    /// is given up, kept as failed.
    pub fn due_messages(&self) -> Result<MessageResult> {
        Ok(self.core.due_messages()?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// The audience (JSON) that simple conditions are; none: nothing is asked.
    pub fn group_rule(&self, conditions: GroupConditions) -> Result<Option<String>> {
        Ok(self.core.group_rule(&conditions)?)
    }

    /// The members of the store that an audience (JSON) fits, from `offset` on, at most `limit`.
    pub fn group(&self, rule: &str, offset: Amount, limit: Amount) -> Result<Group> {
        Ok(self.core.group(rule, offset, limit)?)
    }

    /// How many members an audience fits.
    pub fn group_count(&self, rule: &str) -> Result<Amount> {
        Ok(self.core.group_count(rule)?)
    }

    /// Keeps a filter by name; one of the same name is replaced.
    pub fn save_group(&self, name: &str, rule: &str) -> Result<()> {
        Ok(self.core.save_group(name, rule)?)
    }

    /// The filters that were kept, by name.
    pub fn saved_groups(&self) -> Result<Vec<SavedGroup>> {
        Ok(self.core.saved_groups()?)
    }

    /// Forgets a filter.
    pub fn remove_group(&self, name: &str) -> Result<()> {
        Ok(self.core.remove_group(name)?)
    }

    /// Ids of a group's members from `offset` on, the most valuable first, at most `GROUP_MAX`: what
    /// messages and tasks are made for.
    pub fn group_ids(&self, rule: &str, offset: Amount, limit: Amount) -> Result<Vec<String>> {
        Ok(self.core.group_ids(rule, offset, limit)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// What is on today's list, for the notice of a phone in a pocket: it needs no unlocking. Who is
    /// signed in hears of its own tasks and those of nobody, a phone on which nobody is of the whole
    /// store's. Refused like everything else once the hub locked the phone.
    pub fn due_counts(&self) -> Result<DueCounts> {
        Ok(self.core.due_counts()?)
    }

    /// Members of the store by class, care, disease, tag, medicine and birthday.
    pub fn member_counts(&self) -> Result<MemberCounts> {
        Ok(self.core.member_counts()?)
    }

    /// The clerk's tasks by view, or the whole store's.
    pub fn task_counts(&self, whole_store: bool) -> Result<TaskCounts> {
        Ok(self.core.task_counts(whole_store)?)
    }

    /// A member was opened: it comes first where nothing is typed.
    pub fn remember_opened(&self, member_id: &str) -> Result<()> {
        Ok(self.core.remember_opened(member_id)?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// Today by clerk. A store manager sees everyone, a clerk its own line.
    pub fn today_by_clerk(&self) -> Result<Today> {
        Ok(self.core.today_by_clerk()?)
    }

    /// The list behind a number of `today_by_clerk`.
    pub fn today_items(&self, whose: Whose, figure: TodayFigure) -> Result<Vec<TodayItem>> {
        Ok(self.core.today_items(&whose, figure)?)
    }

    /// Gives a task to somebody, or to anyone. A clerk may take what is nobody's.
    pub fn reassign(&self, task_id: &str, assignee: Option<String>) -> Result<TaskRow> {
        Ok(self.core.reassign(task_id, assignee.as_deref())?)
    }

    /// Gives several tasks away. Those that are refused are listed, and stop nothing else.
    pub fn reassign_all(&self, task_ids: Vec<String>, assignee: Option<String>) -> Result<Reassigned> {
        Ok(self.core.reassign_all(&task_ids, assignee.as_deref())?)
    }

    /// Spreads today's list over the clerks who are here: tasks of nobody and of the absent, and as
    /// few others as balance asks for. What a manager took on stays with the manager.
    pub fn rebalance(&self) -> Result<Reassigned> {
        Ok(self.core.rebalance()?)
    }

    /// Asks for a task to be done soon.
    pub fn nudge(&self, task_id: &str) -> Result<TaskRow> {
        Ok(self.core.nudge(task_id)?)
    }

    /// Marks somebody off for a day; none: back again. Its tasks stay until `rebalance`.
    pub fn mark_off(&self, staff_id: &str, on: Option<CivilDate>) -> Result<()> {
        Ok(self.core.mark_off(staff_id, on)?)
    }

    /// Pairs of members on one number who may be the same person.
    pub fn duplicates(&self) -> Result<Vec<DuplicateRow>> {
        Ok(self.core.duplicates()?)
    }

    /// Two members are one person: `other` becomes an alias of `keep`, both histories stay.
    pub fn merge_members(&self, keep: &str, other: &str) -> Result<()> {
        Ok(self.core.merge_members(keep, other)?)
    }

    /// The merge was wrong. Where it was made on another phone, the members part at the next sync.
    pub fn undo_merge(&self, keep: &str, other: &str) -> Result<()> {
        Ok(self.core.undo_merge(keep, other)?)
    }

    /// Two members on one number are different persons.
    pub fn keep_apart(&self, first: &str, second: &str) -> Result<()> {
        Ok(self.core.keep_apart(first, second)?)
    }

    /// What is on its way to the hub, and what got stuck, with its reason; none while nobody uses the phone.
    pub fn sync_queue(&self) -> Result<Option<SyncQueue>> {
        Ok(self.core.sync_queue()?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// Which of the recorder's files is the recording of a call, by number and time.
    pub fn match_recording(&self, attempt_id: &str, files: Vec<RecorderFile>) -> Result<RecordingMatch> {
        Ok(self.core.match_recording(attempt_id, files)?)
    }

    /// Says that a call has no recording, and why: `not_found`, `not_supported`, `no_permission`, or
    /// another code of the shell's. One that is there stays.
    pub fn no_recording(&self, attempt_id: &str, why: &str) -> Result<RecordingRow> {
        Ok(self.core.no_recording(attempt_id, why)?)
    }

    /// Recordings, latest call first: a clerk's own, for the store manager all; of one member, or of all.
    #[uniffi::method(default(member_id = None))]
    pub fn recordings(&self, member_id: Option<String>) -> Result<Vec<RecordingRow>> {
        Ok(self.core.recordings(member_id.as_deref())?)
    }

    /// The recording of one call, or the word that there is none.
    pub fn recording_of(&self, attempt_id: &str) -> Result<RecordingRow> {
        Ok(self.core.recording_of(attempt_id)?)
    }

    /// Removes a recording from this phone; one that is not uploaded is gone with it.
    pub fn remove_recording(&self, attempt_id: &str) -> Result<()> {
        Ok(self.core.remove_recording(attempt_id)?)
    }

    /// How much room recordings take, and what waits.
    pub fn recording_usage(&self) -> Result<RecordingUsage> {
        Ok(self.core.recording_usage()?)
    }

    /// Uploads what waits. Runs beside the rounds of sync; one at a time.
    pub fn upload_recordings(&self, cancel: &CancelHandle) -> Result<UploadReport> {
        Ok(self.core.upload_recordings(cancel.inner())?)
    }
}

#[uniffi::export]
impl ClerkApp {
    /// Looks at everything, and says what is wrong; the whole of it is in `diagnostic_bundle`. `ask_hub`: digests are compared with the hub's; nothing is changed by it.
    /// Needs nobody signed in. Reading the whole file takes seconds on a large one.
    pub fn checkup(&self, ask_hub: bool, cancel: &CancelHandle) -> Result<CheckupFindings> {
        Ok(self.core.checkup(ask_hub, cancel.inner())?.into())
    }
}

#[uniffi::export]
impl ClerkApp {
    /// A sealed bundle. Refused with `support_key_unknown` until the hub has told the support's key
    /// in a round.
    pub fn diagnostic_bundle(&self, ask_hub: bool, cancel: &CancelHandle) -> Result<Vec<u8>> {
        Ok(self.core.diagnostic_bundle(ask_hub, cancel.inner())?)
    }
}
