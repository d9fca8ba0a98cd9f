use super::*;
use crate::codes::{Code as _, Open};

const OWN: Place<'_> = Place {
    store_id: Some("s1"),
    region: Some("north"),
};
const SAME_REGION: Place<'_> = Place {
    store_id: Some("s2"),
    region: Some("north"),
};
const FAR: Place<'_> = Place {
    store_id: Some("s9"),
    region: Some("south"),
};
const CHAIN: Place<'_> = Place {
    store_id: None,
    region: None,
};

fn staff(role: Role) -> Staff {
    let in_store = matches!(role, Role::Clerk | Role::StoreManager);
    Staff {
        id: "p1".into(),
        store_id: in_store.then(|| "s1".into()),
        region: Some("north".into()),
        name: String::new(),
        role: Open::Known(role),
        pharmacist: false,
        active: true,
        off_on: None,
    }
}

fn asked(role: Role, action: Action, place: Place<'_>) -> Decision {
    decide(
        &staff(role),
        &Request::new(action, place),
        &DeviceRules::default(),
    )
}

fn allowed(role: Role, place: Place<'_>) -> Vec<Action> {
    Action::ALL
        .iter()
        .copied()
        .filter(|action| asked(role, *action, place).is_allowed())
        .collect()
}

const DAILY_WORK: [Action; 9] = [
    Action::SeeMember,
    Action::SeeTask,
    Action::RunTask,
    Action::RegisterMember,
    Action::EditMember,
    Action::AddReading,
    Action::Tag,
    Action::AddNote,
    Action::SetConsent,
];

#[test]
fn a_clerk_does_the_daily_work_of_its_own_store_and_nothing_else() {
    assert_eq!(allowed(Role::Clerk, OWN), DAILY_WORK);
    for place in [SAME_REGION, FAR, CHAIN] {
        assert_eq!(allowed(Role::Clerk, place), []);
    }
}

#[test]
fn a_store_manager_also_leads_its_own_store() {
    let found = allowed(Role::StoreManager, OWN);
    assert!(DAILY_WORK.iter().all(|action| found.contains(action)));
    let more: Vec<_> = found
        .into_iter()
        .filter(|action| !DAILY_WORK.contains(action))
        .collect();
    let leads = [
        Action::SeeStore,
        Action::SeeFigures,
        Action::Assign,
        Action::Nudge,
        Action::MarkOff,
        Action::Merge,
    ];
    assert_eq!(more, leads);
    for place in [SAME_REGION, FAR, CHAIN] {
        assert_eq!(allowed(Role::StoreManager, place), []);
    }
}

#[test]
fn a_region_manager_has_figures_and_campaigns_of_its_stores() {
    for place in [OWN, SAME_REGION] {
        assert_eq!(
            allowed(Role::RegionManager, place),
            [Action::SeeStore, Action::SeeFigures, Action::Campaign]
        );
    }
    for place in [FAR, CHAIN, Place { region: None, ..OWN }] {
        assert_eq!(allowed(Role::RegionManager, place), []);
    }
}

#[test]
fn an_admin_has_the_chains_figures_and_configuration_but_no_members() {
    let expected = [
        Action::SeeStore,
        Action::SeeFigures,
        Action::SeeChain,
        Action::Campaign,
        Action::Services,
        Action::Models,
        Action::Users,
    ];
    for place in [OWN, FAR, CHAIN] {
        assert_eq!(allowed(Role::Admin, place), expected);
    }
    assert_eq!(asked(Role::Admin, Action::Users, CHAIN), Decision::AllowAudited);
    assert_eq!(
        asked(Role::Admin, Action::SeeMember, OWN),
        Decision::Refuse(Refusal::Role)
    );
}

#[test]
fn a_member_of_another_store_is_shown_only_with_a_reason_and_audited() {
    let see = |role, place, reason| {
        let request = Request {
            reason,
            ..Request::new(Action::SeeMember, place)
        };
        decide(&staff(role), &request, &DeviceRules::default())
    };
    for role in [Role::Clerk, Role::StoreManager] {
        assert_eq!(see(role, OWN, None), Decision::Allow);
        for place in [SAME_REGION, FAR, CHAIN] {
            assert_eq!(see(role, place, None), Decision::Refuse(Refusal::ReasonMissing));
            assert_eq!(
                see(role, place, Some("  ")),
                Decision::Refuse(Refusal::ReasonMissing)
            );
            assert_eq!(see(role, place, Some("walk-in")), Decision::AllowAudited);
        }
    }
    assert_eq!(
        see(Role::RegionManager, SAME_REGION, None),
        Decision::Refuse(Refusal::ReasonMissing)
    );
    assert_eq!(
        see(Role::RegionManager, SAME_REGION, Some("complaint")),
        Decision::AllowAudited
    );
    assert_eq!(
        see(Role::RegionManager, FAR, Some("complaint")),
        Decision::Refuse(Refusal::Place)
    );
    assert_eq!(
        see(Role::Admin, OWN, Some("curious")),
        Decision::Refuse(Refusal::Role)
    );
}

#[test]
fn exports_cover_10_members_or_have_a_second_admin() {
    let export = |role, export_group, second_admin| {
        let request = Request {
            export_group,
            second_admin,
            ..Request::new(Action::Export, CHAIN)
        };
        decide(&staff(role), &request, &DeviceRules::default())
    };
    assert_eq!(export(Role::Admin, 10, false), Decision::AllowAudited);
    assert_eq!(
        export(Role::Admin, 9, false),
        Decision::Refuse(Refusal::SecondAdminMissing)
    );
    assert_eq!(
        export(Role::Admin, 0, false),
        Decision::Refuse(Refusal::SecondAdminMissing)
    );
    assert_eq!(export(Role::Admin, 0, true), Decision::AllowAudited);
    assert_eq!(
        export(Role::RegionManager, 1_000, true),
        Decision::Refuse(Refusal::Role)
    );
}

#[test]
fn who_left_and_unknown_roles_may_nothing() {
    let left = Staff {
        active: false,
        ..staff(Role::Admin)
    };
    let newer = Staff {
        role: Open::read("auditor"),
        ..staff(Role::Admin)
    };
    for nobody in [left, newer] {
        for action in Action::ALL {
            let decision = decide(&nobody, &Request::new(*action, OWN), &DeviceRules::default());
            assert_eq!(decision, Decision::Refuse(Refusal::NotStaff));
        }
    }
}

#[test]
fn no_store_is_nobodys_own_store() {
    let homeless = Staff {
        store_id: None,
        ..staff(Role::Clerk)
    };
    let decision = decide(
        &homeless,
        &Request::new(Action::RunTask, CHAIN),
        &DeviceRules::default(),
    );
    assert_eq!(decision, Decision::Refuse(Refusal::Place));
}
