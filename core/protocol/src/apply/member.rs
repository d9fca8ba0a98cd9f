//! Operations on a member's record: register, edit, tags, consent, regimen.

use serde::Serialize;
use yaoban_domain::consent::{Recorded, record_for};
use yaoban_domain::model::{Consent, Member, Regimen};
use yaoban_domain::phone;
use yaoban_domain::signature::Signature;

use super::{Act, Refusal, Rows, SignedConsents, Step, Stop, is_temporary, limits, merge, reason};
use crate::op::{OpStatus, ProfileFields};
use crate::row::{DuplicatePair, entity};

impl<R: Rows> Act<'_, R> {
    /// A new member. Where ids are assigned it gets one, or becomes part of a member with the same
    /// number, the same name and no contradicting sex or birthday; others on the number are kept
    /// apart and shown to the store manager.
    pub(super) fn register(&mut self, asked: &Member, signature: Option<&Signature>) -> Step<R> {
        limits::id("member_id", &asked.id)?;
        limits::signature(signature)?;
        if !is_temporary(&asked.id) {
            return Err(Refusal::new(reason::ID_NOT_VALID)
                .with("field", "member_id")
                .into());
        }
        if let Some(known) = self.rows.member(&asked.id).map_err(Stop::Rows)? {
            self.member_id = (known.id != asked.id).then_some(known.id);
            return Ok(OpStatus::Duplicate);
        }
        let mut member = self.clean(asked)?;
        if !self.rows.assigns_ids() {
            self.put_member(&member)?;
            return Ok(OpStatus::Applied);
        }
        let others = match &member.phone {
            Some(number) => self.rows.members_on_phone(number).map_err(Stop::Rows)?,
            None => Vec::new(),
        };
        let others: Vec<Member> = others.into_iter().filter(|other| !other.erased).collect();
        if let Some(same) = self.same_person(&member, &others) {
            self.member_id = Some(same.id.clone());
            self.absorb(&same, &member)?;
            self.put_signed(&same.id, &member.consents, signature)?;
            return Ok(OpStatus::Merged);
        }
        let id = self.rows.new_member_id(&member).map_err(Stop::Rows)?;
        member.aliases = vec![std::mem::replace(&mut member.id, id)];
        self.put_member(&member)?;
        self.put_signed(&member.id, &member.consents, signature)?;
        for other in &others {
            self.put_pair(&DuplicatePair {
                first: other.id.clone(),
                second: member.id.clone(),
                state: merge::PAIR_OPEN.to_owned(),
            })?;
        }
        self.member_id = Some(member.id);
        Ok(OpStatus::Applied)
    }

    /// The member as registered: what a clerk may say, the rest at its beginning.
    fn clean(&self, asked: &Member) -> Result<Member, Refusal> {
        let fields = ProfileFields {
            name: Some(asked.name.clone()),
            phone: asked.phone.clone(),
            sex: asked.sex.clone(),
            birthday: asked.birthday,
            diseases: Some(asked.diseases.clone()),
            allergies: Some(asked.allergies.clone()),
            height_cm: asked.height_cm,
            weight_hg: asked.weight_hg,
        };
        let fields = self.checked(&fields)?;
        limits::words("tags", &asked.tags, limits::TAGS_MAX)?;
        limits::count("regimens", asked.regimens.len(), limits::REGIMENS_MAX)?;
        limits::count("consents", asked.consents.len(), limits::CONSENTS_MAX)?;
        let mut member = Member {
            store_id: Some(self.store_id.clone()),
            name: fields.name.unwrap_or_default(),
            phone: fields.phone.filter(|number| !number.is_empty()),
            sex: fields.sex,
            birthday: fields.birthday,
            joined_on: Some(self.calendar.day(self.weighed_at_ms(self.meta.at_ms))),
            diseases: set(fields.diseases.unwrap_or_default()),
            allergies: set(fields.allergies.unwrap_or_default()),
            tags: set(asked.tags.iter().map(|tag| tag.trim().to_owned())),
            height_cm: fields.height_cm,
            weight_hg: fields.weight_hg,
            do_not_contact: asked.do_not_contact,
            ..Member::blank(&asked.id)
        };
        for regimen in &asked.regimens {
            self.put_regimen(&mut member, regimen)?;
        }
        for consent in &asked.consents {
            self.take_consent(&mut member, consent)?;
        }
        Ok(member)
    }

    /// The member among those on one number who is this person, own store first, then by id.
    fn same_person(&self, member: &Member, others: &[Member]) -> Option<Member> {
        others
            .iter()
            .filter(|other| !other.deceased && merge::is_same_person(member, other))
            .min_by_key(|other| {
                (
                    other.store_id.as_deref() != Some(self.store_id.as_str()),
                    other.id.clone(),
                )
            })
            .cloned()
    }

    /// Changed fields, each merged three-way: what the clerk saw, what it wants, what is there now.
    /// In a conflict the later operation counts and the value that loses goes to the history; sets
    /// (diseases, allergies) take what was added and removed, so nothing is lost.
    pub(super) fn edit(&mut self, member_id: &str, base: &ProfileFields, edit: &ProfileFields) -> Step<R> {
        let mut member = self.own_member(member_id)?;
        let before = member.clone();
        let edit = self.checked(edit)?;
        if let Some(name) = edit.name {
            self.three_way(
                &before.id,
                "name",
                &mut member.name,
                &base.name.clone().unwrap_or_default(),
                name,
            );
        }
        if let Some(number) = edit.phone {
            let some = |number: &str| phone::normalise(number);
            let base = base.phone.as_deref().and_then(some);
            self.three_way(&before.id, "phone", &mut member.phone, &base, some(&number));
        }
        let id = &before.id;
        self.three_way_some(id, "sex", &mut member.sex, base.sex.as_ref(), edit.sex);
        self.three_way_some(
            id,
            "birthday",
            &mut member.birthday,
            base.birthday.as_ref(),
            edit.birthday,
        );
        self.three_way_some(
            id,
            "height_cm",
            &mut member.height_cm,
            base.height_cm.as_ref(),
            edit.height_cm,
        );
        self.three_way_some(
            id,
            "weight_hg",
            &mut member.weight_hg,
            base.weight_hg.as_ref(),
            edit.weight_hg,
        );
        if let Some(diseases) = edit.diseases {
            merge_set(
                &mut member.diseases,
                base.diseases.as_deref().unwrap_or_default(),
                &diseases,
            );
            limits::count("diseases", member.diseases.len(), limits::DISEASES_MAX)?;
        }
        if let Some(allergies) = edit.allergies {
            merge_set(
                &mut member.allergies,
                base.allergies.as_deref().unwrap_or_default(),
                &allergies,
            );
            limits::count("allergies", member.allergies.len(), limits::ALLERGIES_MAX)?;
        }
        if member.phone != before.phone {
            member.phone_invalid = false;
            member.ask_number = false;
        }
        if member == before {
            return Ok(OpStatus::Duplicate);
        }
        self.put_member(&member)?;
        Ok(if self.losers.is_empty() {
            OpStatus::Applied
        } else {
            OpStatus::Merged
        })
    }

    fn three_way<T: Clone + PartialEq + Serialize>(
        &mut self,
        member_id: &str,
        field: &str,
        current: &mut T,
        base: &T,
        want: T,
    ) {
        if *current == want {
            return;
        }
        if *current != *base {
            self.lost(member_id, field, current);
        }
        *current = want;
    }

    fn three_way_some<T: Clone + PartialEq + Serialize>(
        &mut self,
        member_id: &str,
        field: &str,
        current: &mut Option<T>,
        base: Option<&T>,
        want: Option<T>,
    ) {
        if want.is_some() {
            self.three_way(member_id, field, current, &base.cloned(), want);
        }
    }

    /// The fields in their normal form, if they are possible. The empty phone stays empty.
    fn checked(&self, fields: &ProfileFields) -> Result<ProfileFields, Refusal> {
        let mut fields = fields.clone();
        if let Some(name) = &mut fields.name {
            limits::required("name", name, limits::NAME_CHARS_MAX)?;
            *name = name.trim().to_owned();
        }
        if let Some(number) = fields.phone.as_mut().filter(|number| !number.trim().is_empty()) {
            *number = phone::normalise(number).ok_or_else(|| Refusal::new(reason::PHONE_NOT_VALID))?;
        }
        if fields
            .birthday
            .is_some_and(|day| day > self.calendar.day(self.meta.at_ms.max(self.meta.now_ms)))
        {
            return Err(Refusal::new(reason::IN_FUTURE).with("field", "birthday"));
        }
        if let Some(sex) = &fields.sex {
            limits::text("sex", sex.code(), limits::TAG_CHARS_MAX)?;
        }
        if let Some(diseases) = &mut fields.diseases {
            limits::words("diseases", diseases, limits::DISEASES_MAX)?;
            *diseases = set(diseases.iter().map(|word| word.trim().to_owned()));
        }
        if let Some(allergies) = &fields.allergies {
            limits::allergies(allergies)?;
        }
        fields.height_cm.map_or(Ok(()), |value| {
            limits::range("height_cm", value, limits::HEIGHT_CM)
        })?;
        fields.weight_hg.map_or(Ok(()), |value| {
            limits::range("weight_hg", value, limits::WEIGHT_HG)
        })?;
        Ok(fields)
    }

    /// Tags, a set of adds and removes.
    pub(super) fn tags(&mut self, member_id: &str, add: &[String], remove: &[String]) -> Step<R> {
        limits::words("tags", add, limits::TAGS_MAX)?;
        limits::count("tags", remove.len(), limits::TAGS_MAX)?;
        let mut member = self.own_member(member_id)?;
        let stays = |tag: &&String| !remove.iter().any(|removed| removed.trim() == tag.as_str());
        let added = add.iter().map(|tag| tag.trim().to_owned());
        let tags = set(member.tags.iter().filter(stays).cloned().chain(added));
        limits::count("tags", tags.len(), limits::TAGS_MAX)?;
        if tags == member.tags {
            return Ok(OpStatus::Duplicate);
        }
        member.tags = tags;
        self.put_member(&member)?;
        Ok(OpStatus::Applied)
    }

    /// A consent: the most restrictive stands, lifted only by a new explicit one.
    pub(super) fn consent(
        &mut self,
        member_id: &str,
        consent: &Consent,
        signature: Option<&Signature>,
    ) -> Step<R> {
        limits::signature(signature)?;
        let mut member = self.own_member(member_id)?;
        let (taken, recorded) = self.take_consent(&mut member, consent)?;
        // What was signed was signed, whatever stands now.
        self.put_signed(&member.id, &[taken], signature)?;
        match recorded {
            Recorded::Unchanged => return Ok(OpStatus::Duplicate),
            Recorded::StaysWithdrawn => {
                self.reason = Some(reason::WITHDRAWN_SINCE);
                self.lost(&member.id, "consent", consent);
                return Ok(OpStatus::Merged);
            }
            Recorded::Stands => self.put_member(&member)?,
        }
        Ok(OpStatus::Applied)
    }

    /// Keeps what the member signed with.
    fn put_signed(
        &mut self,
        member_id: &str,
        consents: &[Consent],
        signature: Option<&Signature>,
    ) -> Step<R, ()> {
        let Some(signature) = signature else {
            return Ok(());
        };
        let signed = SignedConsents {
            op_id: self.meta.op_id.to_owned(),
            member_id: member_id.to_owned(),
            consents: consents.to_vec(),
            signature: signature.clone(),
        };
        self.rows.put_signed(&signed).map_err(Stop::Rows)
    }

    /// Records a consent as its operation says; gives it as it was taken, and what became of it.
    fn take_consent(&self, member: &mut Member, consent: &Consent) -> Result<(Consent, Recorded), Refusal> {
        limits::consent(consent)?;
        let taken = Consent {
            at_ms: self.weighed_at_ms(consent.at_ms),
            staff_id: Some(self.meta.staff_id.to_owned()),
            ..consent.clone()
        };
        let recorded = record_for(member, taken.clone());
        limits::count("consents", member.consents.len(), limits::CONSENTS_MAX)?;
        Ok((taken, recorded))
    }

    /// A regimen: fields that are none stay.
    pub(super) fn regimen(&mut self, member_id: &str, regimen: &Regimen) -> Step<R> {
        let mut member = self.own_member(member_id)?;
        let before = member.regimens.clone();
        self.put_regimen(&mut member, regimen)?;
        if member.regimens == before {
            return Ok(OpStatus::Duplicate);
        }
        self.put_member(&member)?;
        Ok(OpStatus::Applied)
    }

    fn put_regimen(&self, member: &mut Member, asked: &Regimen) -> Result<(), Refusal> {
        limits::required("ingredient", &asked.ingredient, limits::WORD_CHARS_MAX)?;
        if let Some(units) = asked.daily_units_milli {
            limits::range("daily_units_milli", units, limits::DAILY_UNITS_MILLI)?;
        }
        let today = self.calendar.day(self.weighed_at_ms(self.meta.at_ms));
        let far = asked
            .stock_until
            .is_some_and(|day| (day - today).num_days() > self.rules.task.defer_days_max);
        if far {
            return Err(Refusal::new("date_too_late").with("days_max", self.rules.task.defer_days_max));
        }
        let changed_on = asked.changed_on.min(today);
        match member
            .regimens
            .binary_search_by(|known| known.ingredient.cmp(&asked.ingredient))
        {
            Ok(place) => {
                let known = &mut member.regimens[place];
                known.daily_units_milli = asked.daily_units_milli.or(known.daily_units_milli);
                known.stock_until = asked.stock_until.or(known.stock_until);
                known.inactive = asked.inactive;
                known.changed_on = known.changed_on.max(changed_on);
            }
            Err(place) => member.regimens.insert(
                place,
                Regimen {
                    changed_on,
                    ..asked.clone()
                },
            ),
        }
        limits::count("regimens", member.regimens.len(), limits::REGIMENS_MAX)
    }

    pub(super) fn put_pair(&mut self, pair: &DuplicatePair) -> Step<R, ()> {
        self.touch(entity::DUPLICATE, &super::pair_id(pair));
        self.rows.put_duplicate(pair).map_err(Stop::Rows)
    }
}

/// A set in ascending order.
pub(super) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut set: Vec<T> = items.into_iter().collect();
    set.sort_unstable();
    set.dedup();
    set
}

/// Applies to a set what was added and removed between what the clerk saw and what it wants.
fn merge_set<T: Ord + Clone>(current: &mut Vec<T>, base: &[T], want: &[T]) {
    let removed = |item: &T| base.contains(item) && !want.contains(item);
    let kept = current.iter().filter(|item| !removed(item)).cloned();
    let added = want.iter().filter(|item| !base.contains(item)).cloned();
    *current = set(kept.chain(added));
}
