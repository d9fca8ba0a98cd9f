//! Operations on tasks: made, begun, put off, given, what came of them; days off.

use chrono::NaiveDate;
use yaoban_domain::codes::{Action, ContactPurpose, TaskOrigin, TaskState};
use yaoban_domain::model::{CareTask, Outcome};
use yaoban_domain::task::{
    self, EffectSource, OutcomePlace, TaskEvent, Transition, apply_effect, is_absorbing, outcome, undo_effect,
};

use super::{Act, Refusal, Rows, Step, Stop, limits, reason};
use crate::op::OpStatus;
use crate::row::entity;

impl<R: Rows> Act<'_, R> {
    /// A task that a clerk makes. Tasks of campaigns and rules are made by the hub and by the rules.
    pub(super) fn create_task(&mut self, asked: &CareTask) -> Step<R> {
        limits::id("task_id", &asked.id)?;
        let member = self.own_member(&asked.member_id)?;
        if let Some(known) = self.rows.task(&asked.id).map_err(Stop::Rows)? {
            return if known.member_id == member.id && known.origin == asked.origin {
                Ok(OpStatus::Duplicate)
            } else {
                Err(Refusal::new(reason::ID_TAKEN).with("entity", entity::TASK).into())
            };
        }
        let service_or_marketing =
            asked.purpose.is(ContactPurpose::Service) || asked.purpose.is(ContactPurpose::Marketing);
        let own_wish = asked.origin.is(TaskOrigin::Clerk) && !asked.emergency && asked.campaign_id.is_none();
        if !own_wish || !service_or_marketing {
            return Err(Refusal::new(reason::ORIGIN_NOT_ALLOWED).into());
        }
        self.check_dates(asked.start, asked.due)?;
        limits::required("why", &asked.why.code, limits::TAG_CHARS_MAX)?;
        limits::count("why", asked.why.values.len(), limits::WHY_VALUES_MAX)?;
        for (name, value) in &asked.why.values {
            limits::text("why", name, limits::TAG_CHARS_MAX)?;
            limits::text("why", value, limits::WORD_CHARS_MAX)?;
        }
        limits::text(
            "script_id",
            asked.script_id.as_deref().unwrap_or_default(),
            limits::ID_CHARS_MAX,
        )?;
        limits::text("kind", asked.kind.code(), limits::TAG_CHARS_MAX)?;
        if let Some(assignee) = &asked.assignee {
            self.may_give(None, Some(assignee))?;
        }
        // A task goes where its member has gone meanwhile, to anyone there.
        let home = member.store_id.unwrap_or_else(|| self.store_id.clone());
        self.put_task(&CareTask {
            member_id: member.id,
            assignee: asked.assignee.clone().filter(|_| home == self.store_id),
            store_id: home,
            state: TaskState::Open.into(),
            deferred_until: None,
            deferred_until_ms: None,
            closes_on_purchase: None,
            attempts: 0,
            avoid_part: None,
            outcome: None,
            other_outcomes: Vec::new(),
            nudged_at_ms: None,
            created_at_ms: self.meta.at_ms,
            changed_at_ms: self.meta.at_ms,
            version: 0,
            ..asked.clone()
        })?;
        Ok(OpStatus::Applied)
    }

    fn check_dates(&self, start: NaiveDate, due: NaiveDate) -> Result<(), Refusal> {
        if due < start {
            return Err(Refusal::new(reason::DUE_BEFORE_START));
        }
        let today = self.calendar.day(self.meta.at_ms);
        let days_max = self.rules.task.defer_days_max;
        if (due - today).num_days() > days_max {
            return Err(Refusal::new("date_too_late").with("days_max", days_max));
        }
        if due < today {
            Err(Refusal::new("date_in_past"))
        } else {
            Ok(())
        }
    }

    pub(super) fn start_task(&mut self, id: &str) -> Step<R> {
        let task = self.own_task(id)?;
        if task.state.is(TaskState::InProgress) {
            return Ok(OpStatus::Duplicate);
        }
        self.event(
            &task,
            &TaskEvent::Start {
                staff_id: self.meta.staff_id.to_owned(),
            },
        )
    }

    pub(super) fn defer_task(&mut self, id: &str, until: NaiveDate, until_ms: Option<i64>) -> Step<R> {
        let task = self.own_task(id)?;
        let same = task.deferred_until == Some(until) && task.deferred_until_ms == until_ms;
        if task.state.is(TaskState::Deferred) && same {
            return Ok(OpStatus::Duplicate);
        }
        self.event(&task, &TaskEvent::Defer { until, until_ms })
    }

    /// A clerk cancels its own wish, the manager any task.
    pub(super) fn cancel_task(&mut self, id: &str) -> Step<R> {
        let task = self.own_task(id)?;
        if task.state.is(TaskState::Cancelled) {
            return Ok(OpStatus::Duplicate);
        }
        let own_wish = task.origin.is(TaskOrigin::Clerk)
            && task
                .assignee
                .as_deref()
                .is_none_or(|assignee| assignee == self.meta.staff_id);
        if !own_wish {
            self.allowed(Action::Assign)?;
        }
        self.event(&task, &TaskEvent::Cancel)
    }

    pub(super) fn reassign(&mut self, id: &str, assignee: Option<&str>) -> Step<R> {
        let task = self.own_task(id)?;
        if task.assignee.as_deref() == assignee {
            return Ok(OpStatus::Duplicate);
        }
        self.may_give(Some(&task), assignee)?;
        self.event(
            &task,
            &TaskEvent::Assign {
                assignee: assignee.map(str::to_owned),
            },
        )
    }

    /// The manager gives tasks to anyone of their store who is there; a clerk takes what is nobody's.
    fn may_give(&mut self, task: Option<&CareTask>, assignee: Option<&str>) -> Step<R, ()> {
        let takes = assignee == Some(self.meta.staff_id) && task.is_none_or(|task| task.assignee.is_none());
        if !takes {
            self.allowed(Action::Assign)?;
        }
        let Some(assignee) = assignee else { return Ok(()) };
        let staff = self.rows.staff(assignee).map_err(Stop::Rows)?;
        let store_id = task.map_or(&self.store_id, |task| &task.store_id);
        let here = staff.filter(|s| s.active && s.store_id.as_ref() == Some(store_id));
        let staff = here.ok_or_else(|| Refusal::new(reason::ASSIGNEE_UNKNOWN))?;
        let today = self.calendar.day(self.meta.at_ms);
        if staff.off_on == Some(today) {
            return Err(Refusal::new(reason::ASSIGNEE_OFF).into());
        }
        Ok(())
    }

    pub(super) fn nudge(&mut self, id: &str) -> Step<R> {
        let task = self.own_task(id)?;
        if task.nudged_at_ms == Some(self.meta.at_ms) {
            return Ok(OpStatus::Duplicate);
        }
        self.event(&task, &TaskEvent::Nudge)
    }

    fn event(&mut self, task: &CareTask, event: &TaskEvent) -> Step<R> {
        let next = task::apply(task, event, &self.task_ctx(self.meta.at_ms, &[]))?;
        self.put_task(&next)?;
        Ok(OpStatus::Applied)
    }

    /// What came of a task: the state machine, and everything that follows for the member, the
    /// campaign and the pharmacist.
    pub(super) fn record_outcome(&mut self, task_id: &str, asked: &Outcome) -> Step<R> {
        limits::id("outcome_id", &asked.id)?;
        limits::text(
            "note",
            asked.note.as_deref().unwrap_or_default(),
            limits::NOTE_CHARS_MAX,
        )?;
        limits::text(
            "ingredient",
            asked.ingredient.as_deref().unwrap_or_default(),
            limits::WORD_CHARS_MAX,
        )?;
        limits::text("outcome", asked.code.code(), limits::TAG_CHARS_MAX)?;
        for id in asked.attempt_id.iter().chain(&asked.supersedes) {
            limits::id("outcome", id)?;
        }
        self.author(&asked.staff_id)?;
        self.not_ahead("at_ms", asked.at_ms)?;
        let task = self.own_task(task_id)?;
        let recorded = Outcome {
            day: self.calendar.day(asked.at_ms),
            ..asked.clone()
        };
        let staff = self.rows.staff_of_store(&task.store_id).map_err(Stop::Rows)?;
        let transition = outcome(&task, &recorded, &self.task_ctx(recorded.at_ms, &staff))?;
        if transition.place == OutcomePlace::Repeated {
            let same = task
                .outcome
                .iter()
                .chain(&task.other_outcomes)
                .any(|known| *known == recorded);
            return if same {
                Ok(OpStatus::Duplicate)
            } else {
                Err(Refusal::new(reason::ID_TAKEN).with("entity", "outcome").into())
            };
        }
        self.put_task(&transition.task)?;
        self.member_effects(&task, &recorded, &transition)?;
        self.cancel_others(&task, &transition)?;
        if let Some(id) = &transition.cancel_follow_up {
            self.cancel_if_open(id)?;
        }
        if let Some(follow_up) = &transition.follow_up {
            self.put_new_task(follow_up)?;
        }
        Ok(match transition.place {
            OutcomePlace::Beside => {
                self.reason = Some(reason::KEPT_BESIDE);
                OpStatus::Merged
            }
            OutcomePlace::Counts | OutcomePlace::Repeated => OpStatus::Applied,
        })
    }

    fn member_effects(
        &mut self,
        task: &CareTask,
        recorded: &Outcome,
        transition: &Transition,
    ) -> Step<R, ()> {
        if transition.member_effects.is_empty() && transition.undone.is_empty() {
            return Ok(());
        }
        let mut member = self.any_member(&task.member_id)?;
        let before = member.clone();
        let source = EffectSource {
            at_ms: self.weighed_at_ms(recorded.at_ms),
            day: recorded.day,
            store_id: &task.store_id,
            staff_id: self.meta.staff_id,
        };
        for effect in &transition.undone {
            undo_effect(&mut member, effect);
        }
        for effect in &transition.member_effects {
            apply_effect(&mut member, effect, &source);
        }
        if member == before {
            Ok(())
        } else {
            self.put_member(&member)
        }
    }

    /// Cancels what the outcome makes pointless: the campaign's other steps, or everything.
    fn cancel_others(&mut self, task: &CareTask, transition: &Transition) -> Step<R, ()> {
        if !transition.cancel_campaign && !transition.cancel_all {
            return Ok(());
        }
        for other in self.rows.tasks_of_member(&task.member_id).map_err(Stop::Rows)? {
            let same_campaign = other.campaign_id.is_some() && other.campaign_id == task.campaign_id;
            if other.id != task.id && (transition.cancel_all || same_campaign) {
                self.cancel(&other)?;
            }
        }
        Ok(())
    }

    fn cancel(&mut self, task: &CareTask) -> Step<R, ()> {
        if is_absorbing(&task.state) {
            return Ok(());
        }
        match task::apply(task, &TaskEvent::Cancel, &self.task_ctx(self.meta.at_ms, &[])) {
            Ok(cancelled) => self.put_task(&cancelled),
            // Expired by the clock, which is derived: nothing to store.
            Err(_) => Ok(()),
        }
    }

    /// Cancels a task that follows from something taken back, if it is still open.
    pub(super) fn cancel_if_open(&mut self, id: &str) -> Step<R, ()> {
        match self.rows.task(id).map_err(Stop::Rows)? {
            Some(task) => self.cancel(&task),
            None => Ok(()),
        }
    }

    /// Stores a task that follows by rule; the one that is there already is kept.
    pub(super) fn put_new_task(&mut self, task: &CareTask) -> Step<R, ()> {
        if self.rows.task(&task.id).map_err(Stop::Rows)?.is_some() {
            return Ok(());
        }
        self.put_task(task)
    }

    /// The manager marks somebody of the store off for a day, or back again.
    pub(super) fn mark_off(&mut self, staff_id: &str, on: Option<NaiveDate>) -> Step<R> {
        let staff = self.rows.staff(staff_id).map_err(Stop::Rows)?;
        let here = staff.filter(|s| s.store_id.as_deref() == Some(self.store_id.as_str()));
        let mut staff = here.ok_or_else(|| Refusal::new(reason::ASSIGNEE_UNKNOWN))?;
        if staff.off_on == on {
            return Ok(OpStatus::Duplicate);
        }
        staff.off_on = on;
        self.touch(entity::STAFF, staff_id);
        self.rows.put_staff(&staff).map_err(Stop::Rows)?;
        Ok(OpStatus::Applied)
    }
}
