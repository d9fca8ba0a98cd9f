//! Two records of one person: merged, taken apart again, or kept apart.

use serde::{Deserialize, Serialize};
use yaoban_domain::consent;
use yaoban_domain::model::{Consent, Member};

use super::member::set;
use super::{Act, Refusal, Rows, Step, Stop, is_temporary, pair_id, reason};
use crate::op::OpStatus;
use crate::row::{DuplicatePair, entity};

pub(super) const PAIR_OPEN: &str = "open";
const PAIR_MERGED: &str = "merged";
const PAIR_APART: &str = "apart";

/// What is needed to undo a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedMember {
    /// The member that stayed.
    pub keep_id: String,
    /// The other one as it was.
    pub other: Member,
    /// The one that stayed, as it was before.
    pub before: Member,
    /// The one that stayed, as the merge left it.
    pub after: Member,
}

/// Whether two records on one number are one person: the same name and no contradicting sex or
/// birthday.
pub(super) fn is_same_person(one: &Member, other: &Member) -> bool {
    let name = |member: &Member| member.name.split_whitespace().collect::<String>().to_lowercase();
    let agree = |a: Option<String>, b: Option<String>| a.is_none() || b.is_none() || a == b;
    let sex = |member: &Member| member.sex.as_ref().map(|sex| sex.code().to_owned());
    let birthday = |member: &Member| member.birthday.map(|day| day.to_string());
    name(one) == name(other) && agree(sex(one), sex(other)) && agree(birthday(one), birthday(other))
}

/// One record of both: what is known stays, what is missing is filled in, sets are joined, the more
/// restrictive counts. Life-time figures are the host's.
fn join(keep: &Member, other: &Member) -> Member {
    let mut joined = keep.clone();
    joined.phone = keep.phone.clone().or_else(|| other.phone.clone());
    joined.sex = keep.sex.clone().or_else(|| other.sex.clone());
    joined.birthday = keep.birthday.or(other.birthday);
    joined.joined_on = match (keep.joined_on, other.joined_on) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    };
    joined.height_cm = keep.height_cm.or(other.height_cm);
    joined.weight_hg = keep.weight_hg.or(other.weight_hg);
    joined.diseases = set(keep.diseases.iter().chain(&other.diseases).cloned());
    joined.allergies = set(keep.allergies.iter().chain(&other.allergies).cloned());
    joined.tags = set(keep.tags.iter().chain(&other.tags).cloned());
    let missing = other
        .regimens
        .iter()
        .filter(|r| !keep.regimens.iter().any(|k| k.ingredient == r.ingredient));
    joined.regimens = set(keep.regimens.iter().chain(missing).cloned());
    consent::merge(&mut joined.consents, &other.consents);
    joined.do_not_contact |= other.do_not_contact;
    joined.deceased |= other.deceased;
    joined.paused_until = keep.paused_until.max(other.paused_until);
    let aliases = keep
        .aliases
        .iter()
        .chain(&other.aliases)
        .chain(std::iter::once(&other.id));
    joined.aliases = set(aliases.filter(|id| **id != keep.id).cloned());
    joined
}

/// The record that stayed, without what the merge brought: a field that has not changed since goes
/// back, one that has stays. What was withdrawn since holds for both.
fn part(now: &Member, merged: &MergedMember) -> (Member, Member) {
    fn back<T: Clone + PartialEq>(now: &T, after: &T, before: &T) -> T {
        if now == after { before.clone() } else { now.clone() }
    }
    let MergedMember {
        before, after, other, ..
    } = merged;
    let mut keep = now.clone();
    keep.phone = back(&now.phone, &after.phone, &before.phone);
    keep.sex = back(&now.sex, &after.sex, &before.sex);
    keep.birthday = back(&now.birthday, &after.birthday, &before.birthday);
    keep.joined_on = back(&now.joined_on, &after.joined_on, &before.joined_on);
    keep.height_cm = back(&now.height_cm, &after.height_cm, &before.height_cm);
    keep.weight_hg = back(&now.weight_hg, &after.weight_hg, &before.weight_hg);
    keep.diseases = back(&now.diseases, &after.diseases, &before.diseases);
    keep.allergies = back(&now.allergies, &after.allergies, &before.allergies);
    keep.tags = back(&now.tags, &after.tags, &before.tags);
    keep.regimens = back(&now.regimens, &after.regimens, &before.regimens);
    keep.do_not_contact = back(&now.do_not_contact, &after.do_not_contact, &before.do_not_contact);
    keep.deceased = back(&now.deceased, &after.deceased, &before.deceased);
    keep.paused_until = back(&now.paused_until, &after.paused_until, &before.paused_until);
    keep.aliases
        .retain(|id| *id != other.id && !other.aliases.contains(id));
    let since: Vec<Consent> = now
        .consents
        .iter()
        .filter(|c| !after.consents.contains(c))
        .cloned()
        .collect();
    keep.consents.clone_from(&before.consents);
    consent::merge(&mut keep.consents, &since);
    let mut other = other.clone();
    let withdrawn: Vec<Consent> = since.into_iter().filter(|consent| !consent.granted).collect();
    consent::merge(&mut other.consents, &withdrawn);
    other.do_not_contact |= now.do_not_contact && !after.do_not_contact;
    (keep, other)
}

impl<R: Rows> Act<'_, R> {
    /// Makes one member part of another; both histories stay, and it can be undone.
    pub(super) fn absorb(&mut self, keep: &Member, other: &Member) -> Step<R, ()> {
        let merged = MergedMember {
            keep_id: keep.id.clone(),
            other: other.clone(),
            before: keep.clone(),
            after: join(keep, other),
        };
        self.put_member(&merged.after)?;
        self.rows.put_merged(&merged).map_err(Stop::Rows)
    }

    pub(super) fn merge_members(&mut self, keep_id: &str, other_id: &str) -> Step<R> {
        let keep = self.own_member(keep_id)?;
        let other = self.any_member(other_id)?;
        if keep.id == other.id {
            // The other one is its alias already, or both are one id.
            return if keep_id == other_id {
                Err(Refusal::new(reason::SAME_MEMBER).into())
            } else {
                Ok(OpStatus::Duplicate)
            };
        }
        let pair = self.find_pair_of(&keep, &other, (keep_id, other_id))?;
        if pair.is_none() && other.store_id != keep.store_id {
            return Err(Refusal::new(reason::MEMBER_OTHER_STORE).into());
        }
        let moved = self.rows.move_history(&other.id, &keep.id).map_err(Stop::Rows)?;
        self.touched.extend(moved);
        // The host may have brought the life-time figures up to date.
        let keep = self.any_member(&keep.id)?;
        self.touch(entity::MEMBER, &other.id);
        self.rows.remove_member(&other.id).map_err(Stop::Rows)?;
        self.absorb(&keep, &other)?;
        self.set_pair(pair, PAIR_MERGED)?;
        self.member_id = Some(keep.id);
        Ok(OpStatus::Applied)
    }

    pub(super) fn undo_merge(&mut self, keep_id: &str, other_id: &str) -> Step<R> {
        let keep = self.own_member(keep_id)?;
        let Some(merged) = self
            .rows
            .merged(other_id)
            .map_err(Stop::Rows)?
            .filter(|m| m.keep_id == keep.id)
        else {
            let apart = self
                .rows
                .member(other_id)
                .map_err(Stop::Rows)?
                .is_some_and(|other| other.id != keep.id);
            return if apart {
                Ok(OpStatus::Duplicate)
            } else {
                Err(Refusal::new(reason::NOT_MERGED).into())
            };
        };
        let (parted, mut other) = part(&keep, &merged);
        if is_temporary(&other.id) && self.rows.assigns_ids() {
            let id = self.rows.new_member_id(&other).map_err(Stop::Rows)?;
            other.aliases.push(std::mem::replace(&mut other.id, id));
        }
        self.put_member(&parted)?;
        self.put_member(&other)?;
        let moved = self
            .rows
            .return_history(&merged.other.id, &keep.id, &other.id)
            .map_err(Stop::Rows)?;
        self.touched.extend(moved);
        self.rows.remove_merged(&merged.other.id).map_err(Stop::Rows)?;
        let known = self.find_pair(&keep.id, &merged.other.id)?;
        let pair = known.unwrap_or_else(|| DuplicatePair {
            first: keep.id.clone(),
            second: other.id.clone(),
            state: PAIR_OPEN.to_owned(),
        });
        self.set_pair(Some(pair), PAIR_APART)?;
        self.member_id = Some(other.id);
        Ok(OpStatus::Applied)
    }

    pub(super) fn keep_apart(&mut self, first: &str, second: &str) -> Step<R> {
        let one = self.any_member(first)?;
        let two = self.any_member(second)?;
        let here = Some(self.store_id.as_str());
        if one.store_id.as_deref() != here && two.store_id.as_deref() != here {
            return Err(Refusal::new(reason::MEMBER_OTHER_STORE).into());
        }
        let Some(pair) = self.find_pair_of(&one, &two, (first, second))? else {
            return Err(Refusal::new(reason::PAIR_UNKNOWN).into());
        };
        if pair.state == PAIR_APART {
            return Ok(OpStatus::Duplicate);
        }
        self.set_pair(Some(pair), PAIR_APART)?;
        Ok(OpStatus::Applied)
    }

    /// The pair of two members, by their ids or by those by which they were asked for: one of the
    /// two may have become part of another member since the pair was made.
    fn find_pair_of(
        &mut self,
        one: &Member,
        two: &Member,
        asked: (&str, &str),
    ) -> Step<R, Option<DuplicatePair>> {
        match self.find_pair(&one.id, &two.id)? {
            Some(pair) => Ok(Some(pair)),
            None => self.find_pair(asked.0, asked.1),
        }
    }

    /// The pair of two ids, in either order.
    fn find_pair(&mut self, one: &str, two: &str) -> Step<R, Option<DuplicatePair>> {
        for (first, second) in [(one, two), (two, one)] {
            let pair = DuplicatePair {
                first: first.to_owned(),
                second: second.to_owned(),
                state: PAIR_OPEN.to_owned(),
            };
            if let Some(known) = self.rows.duplicate(&pair_id(&pair)).map_err(Stop::Rows)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    fn set_pair(&mut self, pair: Option<DuplicatePair>, state: &str) -> Step<R, ()> {
        match pair {
            Some(pair) => self.put_pair(&DuplicatePair {
                state: state.to_owned(),
                ..pair
            }),
            None => Ok(()),
        }
    }
}
