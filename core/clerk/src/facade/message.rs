//! Messages from the chain's templates, to one member or a group, each through the gate.
//!
//! The key of a send is on the disk before its text leaves this module, so that neither a restart
//! nor a second clerk sends it twice. What the gate defers is kept and comes back when its time is
//! there ([`ClerkApp::due_messages`]), or is given up at its expiry.

use rusqlite::{Connection, params};
use secrecy::SecretString;
use serde::Serialize;
use yaoban_domain::codes::{Action, Channel, Code as _, ContactPurpose, GateReason, Open, SendState};
use yaoban_domain::gate::strictest;
use yaoban_domain::model::{CareTask, Drug, Member, Send, Template};
use yaoban_domain::task::{is_absorbing, settle};
use yaoban_domain::template::{Finding, is_promotional, lint, render};
use yaoban_protocol::apply::reason;
use yaoban_protocol::op::Op;
use yaoban_protocol::row::entity;

use super::contact::{Contact, Decision, GateVerdict, gate, gate_at, keep_refusal};
use super::work::{Refusal, Refused, Work, check_group, known_member, masked, refused, refused_with};
use super::{AppError, AppResult, ClerkApp};
use crate::store::{Result, StoreError, Tx, outbox, rows};

/// Deferred messages of a list at most.
const DEFERRED_MAX: i64 = 500;
/// Messages without news of a list at most.
const OPEN_MAX: i64 = 500;
/// How often a send that failed is tried again, each time under a key of its own.
const TRIES_MAX: u32 = 5;
/// So many members see how a message would be.
const PREVIEWS: usize = 3;
/// Why a deferred message was given up.
const EXPIRED: &str = "deferral_expired";

/// A template, ready to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateRow {
    /// Id.
    pub template_id: String,
    /// Title.
    pub title: String,
    /// `sms` or `wechat`.
    pub channel: Channel,
    /// Service or marketing.
    pub purpose: Open<ContactPurpose>,
    /// The text with its placeholders.
    pub text: String,
    /// It promotes something.
    pub promotional: bool,
    /// What is wrong with it, as codes; a template with findings is not sent.
    pub findings: Vec<&'static str>,
}

/// A message as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// A message from a template to members as it would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessagePreviews {
    /// For the first of them.
    pub shown: Vec<MessagePreview>,
    /// How many more there are.
    pub more: usize,
    /// The gate lets it reach somebody, now or later, as far as it was asked.
    pub possible: bool,
}

/// What became of a message that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A message to hand over: its send is stored as queued.
#[derive(Debug, Serialize)]
pub struct MessageOut {
    /// Key of the send; [`ClerkApp::message_told`] tells what became of it.
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
    #[serde(skip)]
    pub number: Option<SecretString>,
}

/// A message that the gate put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// It may be sent now ([`ClerkApp::due_messages`]).
    pub due: bool,
}

/// A message that was handed out and of which nothing was told since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// What became of a message to a group.
#[derive(Debug, Default, Serialize)]
pub struct MessageResult {
    /// To hand over now.
    pub ready: Vec<MessageOut>,
    /// Put off.
    pub deferred: Vec<MessageDeferred>,
    /// Refused, with the reason.
    pub refused: Vec<Refused>,
    /// The same by reason, the most frequent first.
    pub reasons: Vec<RefusedBy>,
}

/// Whom a reason refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedBy {
    /// Why, as a code.
    pub code: String,
    /// Values for the wording, by name.
    pub values: Vec<(String, String)>,
    /// The members' names; the id of one that is not here.
    pub names: Vec<String>,
}

/// Members by the reason that refused them.
fn by_reason(refused: &[Refused]) -> Vec<RefusedBy> {
    let mut reasons: Vec<RefusedBy> = Vec::new();
    for one in refused {
        let name = if one.name.is_empty() { &one.id } else { &one.name };
        let same = |by: &&mut RefusedBy| (&by.code, &by.values) == (&one.code, &one.values);
        match reasons.iter_mut().find(same) {
            Some(by) => by.names.push(name.clone()),
            None => reasons.push(RefusedBy {
                code: one.code.clone(),
                values: one.values.clone(),
                names: vec![name.clone()],
            }),
        }
    }
    reasons.sort_unstable_by(|a, b| (b.names.len(), &a.code).cmp(&(a.names.len(), &b.code)));
    reasons
}

impl ClerkApp {
    /// The templates for a channel; none: for every channel.
    pub fn templates(&self, channel: Option<Channel>) -> AppResult<Vec<TemplateRow>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let drugs = prescription_drugs(conn)?;
            let rules = &work.settings.rules.gate;
            let templates: Vec<Template> = rows::records(conn, entity::TEMPLATE)?;
            let shown = templates.into_iter().filter_map(|template| {
                let own = channel_of(&template).filter(|own| channel.is_none_or(|asked| asked == *own))?;
                Some(TemplateRow {
                    channel: own,
                    promotional: is_promotional(&template, rules),
                    findings: lint(&template, &drugs, rules).iter().map(Finding::code).collect(),
                    template_id: template.id,
                    title: template.title,
                    purpose: template.purpose,
                    text: template.text,
                })
            });
            Ok(shown.collect())
        })
    }

    /// A message as it would be for a member, with what the gate says. Nothing is stored.
    pub fn preview_message(&self, member_id: &str, template_id: &str) -> AppResult<MessagePreview> {
        let work = Work::begin(self)?;
        work.read(|conn| Sending::new(conn, &work, template_id, None)?.preview(conn, member_id))
    }

    /// A message from a template to members, each through the gate. Those who are refused are listed
    /// with their reasons, and stop nobody else.
    pub fn message(&self, member_ids: &[String], template_id: &str) -> AppResult<MessageResult> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            work.allowed(Action::RunTask)?;
            check_group(member_ids)?;
            let sending = Sending::new(tx, &work, template_id, None)?;
            sending.all(tx, member_ids)
        })
    }

    /// The message of a task. It is done once the message was handed over.
    pub fn message_task(&self, task_id: &str, template_id: &str) -> AppResult<MessageResult> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            work.allowed(Action::RunTask)?;
            let task = rows::task(tx, task_id)?.ok_or_else(|| refused(reason::TASK_UNKNOWN))?;
            let task = settle(task, work.now_ms, work.settings.calendar);
            if is_absorbing(&task.state) {
                let state = ("state".to_owned(), task.state.code().to_owned());
                return Err(refused_with("task_closed", vec![state]));
            }
            let member_id = task.member_id.clone();
            let sending = Sending::new(tx, &work, template_id, Some(task))?;
            sending.all(tx, &[member_id])
        })
    }

    /// The first members to whom a message from a template would go, with its text and what the gate says. Nothing
    /// is stored.
    pub fn preview_messages(&self, member_ids: &[String], template_id: &str) -> AppResult<MessagePreviews> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let sending = Sending::new(conn, &work, template_id, None)?;
            let first = member_ids.iter().take(PREVIEWS);
            let shown: Vec<MessagePreview> =
                first.map(|id| sending.preview(conn, id)).collect::<Result<_>>()?;
            let more = member_ids.len() - shown.len();
            let reaches = |preview: &MessagePreview| preview.gate.verdict != Decision::Refuse;
            Ok(MessagePreviews {
                possible: more > 0 || shown.iter().any(reaches),
                more,
                shown,
            })
        })
    }

    /// What became of a message that was handed out. Returns where it stands.
    pub fn message_told(&self, key: &str, told: &Told) -> AppResult<SendState> {
        let (state, reason) = match told {
            Told::Sent => (SendState::Sent, None),
            Told::Delivered => (SendState::Delivered, None),
            Told::NotSent => (SendState::Failed, Some("not_sent")),
            Told::NoApp => (SendState::Failed, Some("no_app")),
            Told::Failed { reason } => (SendState::Failed, Some(reason.as_str())),
        };
        let work = Work::begin(self)?;
        work.write(|tx| {
            let send = rows::send(tx, key)?.ok_or_else(|| refused("send_unknown"))?;
            put_state(tx, &work, &send, state, reason)?;
            Ok(state)
        })
    }

    /// The clerk's messages that were handed out and of which nothing was told since: it has to say
    /// what became of them ([`Self::message_told`]).
    pub fn open_messages(&self) -> AppResult<Vec<OpenMessage>> {
        let work = Work::begin(self)?;
        work.read(|conn| open_messages(conn, &work.staff.id))
    }

    /// Hands a message of [`Self::open_messages`] out once more, through the gate again. A refusal of the gate
    /// is kept, and comes back as `gate.<reason>`; the message stays among the open ones.
    pub fn hand_again(&self, key: &str) -> AppResult<MessageOut> {
        let work = Work::begin(self)?;
        let handed = work.write(|tx| {
            work.allowed(Action::RunTask)?;
            let send = rows::send(tx, key)?.filter(|send| {
                send.staff_id == work.staff.id && send.state.is(SendState::Queued) && send.reason.is_none()
            });
            let send = send.ok_or_else(|| refused("send_unknown"))?;
            let task = match &send.task_id {
                Some(id) => rows::task(tx, id)?,
                None => None,
            };
            let member = known_member(tx, &send.member_id)?;
            let sending = Sending::new(tx, &work, &send.template_id, task)?;
            let verdict = gate(tx, &work, &member, &sending.contact)?;
            if let (Some(reason), Some(refusal)) = (verdict.reason, verdict.refusal()) {
                keep_refusal(tx, &work, &member, &sending.contact, reason)?;
                return Ok(Err(refusal));
            }
            let text = sending.text(&member)?;
            Ok(Ok(out(&member, sending.channel, send.key, text)))
        })?;
        handed.map_err(|(code, values)| AppError::Refused { code, values })
    }

    /// The clerk's messages that the gate put off, oldest first. Nothing changes.
    pub fn deferred_messages(&self) -> AppResult<Vec<MessageDeferred>> {
        let work = Work::begin(self)?;
        work.read(|conn| {
            let sends = deferred_sends(conn, &work.staff.id)?;
            sends.iter().map(|send| put_off(conn, &work, send)).collect()
        })
    }

    /// Deferred messages whose time has come, through the gate once more, to hand over now as those of
    /// [`Self::message`]. What is past its expiry is given up, kept as failed.
    pub fn due_messages(&self) -> AppResult<MessageResult> {
        let work = Work::begin(self)?;
        work.write(|tx| {
            work.allowed(Action::RunTask)?;
            let mut result = MessageResult::default();
            for send in deferred_sends(tx, &work.staff.id)? {
                release(tx, &work, &send, &mut result)?;
            }
            result.reasons = by_reason(&result.refused);
            Ok(result)
        })
    }
}

/// One template on its way to members.
struct Sending<'w, 'a> {
    work: &'w Work<'a>,
    template: Template,
    channel: Channel,
    contact: Contact,
    task: Option<CareTask>,
    store: String,
    chain: String,
}

impl<'w, 'a> Sending<'w, 'a> {
    /// Refuses a template that the rules do not let out.
    fn new(conn: &Connection, work: &'w Work<'a>, template_id: &str, task: Option<CareTask>) -> Result<Self> {
        let template: Option<Template> = rows::record(conn, entity::TEMPLATE, template_id)?;
        let template = template.ok_or_else(|| refused("template_unknown"))?;
        let channel = channel_of(&template).ok_or_else(|| refused("template_not_a_message"))?;
        let rules = &work.settings.rules.gate;
        if let Some(finding) = lint(&template, &prescription_drugs(conn)?, rules).first() {
            return Err(unfit(finding));
        }
        // A marketing text stays one on a service task: the stricter of the two counts.
        let marketing = strictest(&template.purpose) == ContactPurpose::Marketing
            || task
                .as_ref()
                .is_some_and(|task| strictest(&task.purpose) == ContactPurpose::Marketing);
        let emergency = task.as_ref().is_some_and(|task| task.emergency);
        let purpose = match (marketing, emergency) {
            (true, _) => ContactPurpose::Marketing,
            (false, true) => ContactPurpose::Emergency,
            (false, false) => ContactPurpose::Service,
        };
        let (store, chain) = Work::names(conn)?;
        Ok(Self {
            contact: Contact {
                channel,
                purpose,
                promotional: is_promotional(&template, rules),
            },
            work,
            template,
            channel,
            task,
            store,
            chain,
        })
    }

    fn preview(&self, conn: &Connection, member_id: &str) -> Result<MessagePreview> {
        let member = known_member(conn, member_id)?;
        Ok(MessagePreview {
            text: self.text(&member)?,
            gate: gate(conn, self.work, &member, &self.contact)?,
            phone_masked: masked(&member),
            member_id: member.id,
            name: member.name,
        })
    }

    fn text(&self, member: &Member) -> Result<String> {
        let values = [
            ("name", member.name.as_str()),
            ("store", &self.store),
            ("chain", &self.chain),
            ("clerk", &self.work.staff.name),
        ];
        render(&self.template.text, &values).map_err(|error| unfit(&Finding::Text(error)))
    }

    fn all(&self, tx: &Tx<'_>, member_ids: &[String]) -> Result<MessageResult> {
        let mut result = MessageResult::default();
        for member_id in member_ids {
            match rows::member(tx, member_id)? {
                Some(member) => self.one(tx, &member, &mut result)?,
                None => refuse(
                    &mut result,
                    member_id,
                    "",
                    (reason::MEMBER_UNKNOWN.to_owned(), Vec::new()),
                ),
            }
        }
        result.reasons = by_reason(&result.refused);
        Ok(result)
    }

    fn one(&self, tx: &Tx<'_>, member: &Member, result: &mut MessageResult) -> Result<()> {
        let key = match self.free_key(tx, member)? {
            Ok(key) => key,
            Err(refusal) => {
                refuse(result, &member.id, &member.name, refusal);
                return Ok(());
            }
        };
        let verdict = gate(tx, self.work, member, &self.contact)?;
        if let (Some(reason), Some(refusal), None) = (verdict.reason, verdict.refusal(), verdict.until_ms) {
            keep_refusal(tx, self.work, member, &self.contact, reason)?;
            refuse(result, &member.id, &member.name, refusal);
            return Ok(());
        }
        let text = match self.text(member) {
            Ok(text) => text,
            Err(StoreError::Refused { code, values }) => {
                refuse(result, &member.id, &member.name, (code, values));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let send = self.queued(member, &key, verdict.reason);
        if let Err(refusal) = self.work.try_put(tx, Op::RecordSend { send })? {
            refuse(result, &member.id, &member.name, refusal);
            return Ok(());
        }
        match (verdict.reason, verdict.until_ms, verdict.expires_ms) {
            (Some(reason), Some(until_ms), Some(expires_ms)) => result.deferred.push(MessageDeferred {
                key,
                member_id: member.id.clone(),
                name: member.name.clone(),
                reason,
                until_ms,
                expires_ms,
                due: false,
            }),
            _ => result.ready.push(out(member, self.channel, key, text)),
        }
        Ok(())
    }

    /// A key that was not used: the same message is not sent twice, also if the hub refused the record
    /// of the first. One that failed may be tried again.
    fn free_key(&self, conn: &Connection, member: &Member) -> Result<std::result::Result<String, Refusal>> {
        let base = self.key(member);
        let refused = outbox::refused_sends(conn, &member.id)?;
        for number in 1..=TRIES_MAX {
            let key = if number == 1 {
                base.clone()
            } else {
                format!("{base}#{number}")
            };
            let state = match rows::send(conn, &key)? {
                None if refused.contains(&key) => SendState::Queued.into(),
                None => return Ok(Ok(key)),
                Some(send) => send.state,
            };
            if !state.is(SendState::Failed) && !state.is(SendState::Refused) {
                let state = ("send_state".to_owned(), state.code().to_owned());
                return Ok(Err(("already_sent".to_owned(), vec![state])));
            }
        }
        Ok(Err(("failed_too_often".to_owned(), Vec::new())))
    }

    /// `campaign/member/step/channel`. What belongs to no campaign stands under its task, or under
    /// its template and day.
    fn key(&self, member: &Member) -> String {
        let (whose, step) = match &self.task {
            Some(CareTask {
                campaign_id: Some(campaign),
                step,
                ..
            }) => (campaign.clone(), *step),
            Some(task) => (format!("task-{}", task.id), task.step),
            None => (format!("own-{}-{}", self.template.id, self.work.today), 0),
        };
        format!("{whose}/{}/{step}/{}", member.id, self.channel.code())
    }

    fn queued(&self, member: &Member, key: &str, deferred: Option<GateReason>) -> Send {
        Send {
            key: key.to_owned(),
            member_id: member.id.clone(),
            task_id: self.task.as_ref().map(|task| task.id.clone()),
            campaign_id: self.task.as_ref().and_then(|task| task.campaign_id.clone()),
            step: self.task.as_ref().map_or(0, |task| task.step),
            channel: self.channel.into(),
            purpose: self.contact.purpose.into(),
            template_id: self.template.id.clone(),
            staff_id: self.work.staff.id.clone(),
            at_ms: self.work.now_ms,
            state: SendState::Queued.into(),
            reason: deferred.map(|reason| reason.code().to_owned()),
        }
    }
}

fn refuse(result: &mut MessageResult, member_id: &str, name: &str, (code, values): Refusal) {
    result.refused.push(Refused {
        id: member_id.to_owned(),
        name: name.to_owned(),
        code,
        values,
    });
}

fn out(member: &Member, channel: Channel, key: String, text: String) -> MessageOut {
    MessageOut {
        key,
        member_id: member.id.clone(),
        name: member.name.clone(),
        phone_masked: masked(member),
        channel,
        text,
        number: match channel {
            Channel::Sms => member.phone.clone().map(SecretString::from),
            _ => None,
        },
    }
}

/// The channel of a message template; a script has none.
fn channel_of(template: &Template) -> Option<Channel> {
    Channel::from_code(&template.kind).filter(|channel| matches!(channel, Channel::Sms | Channel::Wechat))
}

fn unfit(finding: &Finding) -> StoreError {
    let code = ("finding".to_owned(), finding.code().to_owned());
    let values = finding
        .value()
        .map(|value| ("value".to_owned(), value))
        .into_iter();
    refused_with("template_unfit", std::iter::once(code).chain(values).collect())
}

/// The prescription drugs of the catalogue, whose names no promotional text carries.
fn prescription_drugs(conn: &Connection) -> Result<Vec<Drug>> {
    let keys: Vec<i64> = conn
        .prepare_cached("SELECT drug_key FROM drug WHERE prescription = 1 AND known = 1")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    keys.into_iter()
        .filter_map(|key| rows::drug_by_key(conn, key).transpose())
        .collect()
}

/// Tells what became of a send. It belongs to who sent it, whoever is signed in when the news comes.
fn put_state(
    tx: &Tx<'_>,
    work: &Work<'_>,
    send: &Send,
    state: SendState,
    reason: Option<&str>,
) -> Result<()> {
    let news = Send {
        state: state.into(),
        reason: reason.map(str::to_owned),
        ..send.clone()
    };
    work.put_as(tx, &send.staff_id, Op::RecordSend { send: news }, None)?;
    Ok(())
}

/// The clerk's messages that the gate put off, oldest first. Those to members whose data are not here (not
/// yet, or not any more) wait with them.
fn deferred_sends(conn: &Connection, staff_id: &str) -> Result<Vec<Send>> {
    let keys: Vec<String> = conn
        .prepare_cached(
            "SELECT s.key FROM send s JOIN member m ON m.member_key = s.member_key AND m.standing > 0
             WHERE s.staff_id = ?1 AND s.state = 'queued' AND s.reason IN (?2, ?3)
             ORDER BY s.at_ms, s.key LIMIT ?4",
        )?
        .query_map(
            params![
                staff_id,
                GateReason::OutsideHours.code(),
                GateReason::Holiday.code(),
                DEFERRED_MAX
            ],
            |row| row.get(0),
        )?
        .collect::<rusqlite::Result<_>>()?;
    keys.iter()
        .filter_map(|key| rows::send(conn, key).transpose())
        .collect()
}

/// A clerk's messages of which nothing was told since, newest first.
fn open_messages(conn: &Connection, staff_id: &str) -> Result<Vec<OpenMessage>> {
    let mut statement = conn.prepare_cached(
        "SELECT s.key, m.member_id, m.name, s.channel, s.template_id, s.at_ms
         FROM send s JOIN member m ON m.member_key = s.member_key
         WHERE s.staff_id = ?1 AND s.state = 'queued' AND s.reason IS NULL
         ORDER BY s.at_ms DESC, s.key LIMIT ?2",
    )?;
    let open = statement.query_map(params![staff_id, OPEN_MAX], |row| {
        Ok(OpenMessage {
            key: row.get(0)?,
            member_id: row.get(1)?,
            name: row.get(2)?,
            channel: row.get(3)?,
            template_id: row.get(4)?,
            at_ms: row.get(5)?,
        })
    })?;
    Ok(open.collect::<rusqlite::Result<_>>()?)
}

/// How many messages wait for the clerk: put off until now, or without news.
pub(super) fn waiting_messages(conn: &Connection, work: &Work<'_>) -> Result<usize> {
    let mut waiting = open_messages(conn, &work.staff.id)?.len();
    for send in deferred_sends(conn, &work.staff.id)? {
        waiting += usize::from(put_off(conn, work, &send)?.due);
    }
    Ok(waiting)
}

/// A deferred message as it shows: what put it off when it was written. Rules that changed since may let
/// it through at once.
fn put_off(conn: &Connection, work: &Work<'_>, send: &Send) -> Result<MessageDeferred> {
    let member = known_member(conn, &send.member_id)?;
    let contact = Contact {
        channel: send.channel.known().unwrap_or(Channel::Sms),
        purpose: strictest(&send.purpose),
        promotional: false,
    };
    let then = gate_at(conn, work, &member, &contact, send.at_ms)?;
    let until_ms = then.until_ms.unwrap_or(send.at_ms);
    let reason = send.reason.as_deref().and_then(GateReason::from_code);
    Ok(MessageDeferred {
        key: send.key.clone(),
        member_id: member.id,
        name: member.name,
        reason: then.reason.or(reason).unwrap_or(GateReason::OutsideHours),
        until_ms,
        expires_ms: then.expires_ms.unwrap_or(send.at_ms),
        due: until_ms <= work.now_ms,
    })
}

/// One deferred message: ready, still deferred, refused since, or given up.
fn release(tx: &Tx<'_>, work: &Work<'_>, send: &Send, result: &mut MessageResult) -> Result<()> {
    let task = match &send.task_id {
        Some(id) => rows::task(tx, id)?,
        None => None,
    };
    let member = known_member(tx, &send.member_id)?;
    let give_up = |tx: &Tx<'_>, result: &mut MessageResult, refusal: Refusal| {
        put_state(tx, work, send, SendState::Failed, Some(&refusal.0))?;
        refuse(result, &member.id, &member.name, refusal);
        Ok(())
    };
    let sending = match Sending::new(tx, work, &send.template_id, task) {
        Ok(sending) => sending,
        Err(StoreError::Refused { code, values }) => return give_up(tx, result, (code, values)),
        Err(error) => return Err(error),
    };
    let now = gate(tx, work, &member, &sending.contact)?;
    let then = gate_at(tx, work, &member, &sending.contact, send.at_ms)?;
    let deferrable = now.reason.is_none() || now.until_ms.is_some();
    if deferrable
        && then
            .expires_ms
            .is_some_and(|expires_ms| work.now_ms >= expires_ms)
    {
        return give_up(tx, result, (EXPIRED.to_owned(), Vec::new()));
    }
    match (now.reason, now.until_ms, now.expires_ms) {
        (None, ..) => {
            let text = sending.text(&member)?;
            // Claimed before it leaves: a restart does not hand it out again, but asks what became of it.
            put_state(tx, work, send, SendState::Queued, None)?;
            result
                .ready
                .push(out(&member, sending.channel, send.key.clone(), text));
            Ok(())
        }
        (Some(reason), Some(until_ms), Some(expires_ms)) => {
            result.deferred.push(MessageDeferred {
                key: send.key.clone(),
                member_id: member.id.clone(),
                name: member.name.clone(),
                reason,
                until_ms,
                expires_ms,
                due: false,
            });
            Ok(())
        }
        (Some(reason), ..) => {
            keep_refusal(tx, work, &member, &sending.contact, reason)?;
            let refusal = now.refusal().unwrap_or_default();
            give_up(tx, result, refusal)
        }
    }
}
