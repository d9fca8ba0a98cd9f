//! The smallest form of a failure: the same seed with fewer faults, phones and days.

use crate::fault::{Fault, Faults};
use crate::runner::run_guarded;
use crate::world::Plan;

/// Leaves out whatever can be left out without the failure going away or becoming one of another kind.
pub fn shrink(plan: &Plan) -> Plan {
    let kind = |plan: &Plan| run_guarded(plan).broken.first().map(|broken| broken.kind);
    let wanted = kind(plan);
    let fails = |plan: &Plan| kind(plan) == wanted;
    let mut least = plan.clone();
    let one_day = Plan {
        days_max: 1,
        ..least.clone()
    };
    if fails(&one_day) {
        least = one_day;
    }
    for phones_max in [1, 2, 3] {
        let fewer = Plan {
            phones_max,
            ..least.clone()
        };
        if fails(&fewer) {
            least = fewer;
            break;
        }
    }
    // Halves first, then one by one: most faults have nothing to do with it.
    let mut left: Vec<Fault> = Faults::new(plan.seed, &least.without).enabled();
    let mut part = left.len().div_ceil(2);
    while part > 0 {
        let mut from = 0;
        while from < left.len() {
            let end = (from + part).min(left.len());
            let mut fewer = least.clone();
            fewer.without.extend(&left[from..end]);
            if fails(&fewer) {
                least = fewer;
                left.drain(from..end);
            } else {
                from = end;
            }
        }
        part /= 2;
    }
    least
}
