//! One test or more for each numbered point of the protocol; the name carries the number.

mod lanes;
mod load;
mod push;
mod repair;
mod rows;
mod session;
mod versions;

use yaoban_protocol::message::Page;
use yaoban_protocol::row::ChangeKind;

use super::model_hub::STORE;
use super::world::{Fate, World};
use crate::sync::event::{Answer, Call, RoundReport};

fn pull_code(report: &RoundReport) -> &str {
    report.pull_problem.as_ref().map_or("", |p| p.code.as_str())
}

fn push_code(report: &RoundReport) -> &str {
    report.push_problem.as_ref().map_or("", |p| p.code.as_str())
}

fn round_code(report: &RoundReport) -> &str {
    report.problem.as_ref().map_or("", |p| p.code.as_str())
}

fn assert_same_rows(world: &World) {
    for (name, scope) in &world.hub.data.scopes {
        let puts: Vec<_> = scope
            .rows
            .iter()
            .filter(|(_, r)| r.1 == ChangeKind::Put)
            .map(|(k, r)| (k.clone(), (r.0, r.2.clone())))
            .collect();
        let held: Vec<_> = world.store.rows[name].clone().into_iter().collect();
        assert_eq!(held, puts, "rows of {name}");
    }
}

/// Answers the first pull with this page in place of the store's.
fn with_page(world: &mut World, spoil: &dyn Fn(&mut Page)) -> RoundReport {
    world.round_with(&mut |hub, call| {
        let Call::Pull(_) = call else { return Fate::Pass };
        let token = format!("t{}", hub.token_serial);
        match hub.answer(call, Some(&token)) {
            Ok(Answer::Pull(mut reply)) => {
                spoil(reply.pages.iter_mut().find(|p| p.scope == STORE).expect("page"));
                Fate::Reply(Box::new(Answer::Pull(reply)))
            }
            other => panic!("{other:?}"),
        }
    })
}
