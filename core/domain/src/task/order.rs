//! The order of the list, and households.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::NaiveDate;

use crate::codes::Class;
use crate::model::CareTask;

/// What the order of a task depends on beside the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderInput {
    /// The member's class, if it is known.
    pub class: Option<Class>,
    /// The earliest end of a medicine the member takes.
    pub medicine_end: Option<NaiveDate>,
    /// The member's value index, 0..=100.
    pub value_index: u8,
    /// The hour is one at which this member answered before.
    pub hour_matches: bool,
}

/// The place of a task on the list; smaller comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderKey {
    emergency: Reverse<bool>,
    due: NaiveDate,
    class_rank: u8,
    medicine_end: NaiveDate,
    value_index: Reverse<u8>,
    hour_matches: Reverse<bool>,
    id: String,
}

/// The place of a task: (emergency, due date, class, earliest end of a medicine, value index
/// descending, hour at which the member answered, id). What is not known comes last.
pub fn order_key(task: &CareTask, input: &OrderInput) -> OrderKey {
    OrderKey {
        emergency: Reverse(task.emergency),
        due: task.due,
        class_rank: class_rank(input.class),
        medicine_end: input.medicine_end.unwrap_or(NaiveDate::MAX),
        value_index: Reverse(input.value_index),
        hour_matches: Reverse(input.hour_matches),
        id: task.id.clone(),
    }
}

fn class_rank(class: Option<Class>) -> u8 {
    match class {
        Some(Class::Retain) => 0,
        Some(Class::WinBack) => 1,
        Some(Class::Develop) => 2,
        Some(Class::Valued) => 3,
        Some(Class::Ordinary) => 4,
        Some(Class::Low) => 5,
        None => 6,
    }
}

/// Groups items that share a phone number (a household), in the order of each group's first item;
/// items without a number stand alone.
pub fn households<T>(
    items: impl IntoIterator<Item = T>,
    phone: impl Fn(&T) -> Option<String>,
) -> Vec<Vec<T>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<T>> = Vec::new();
    for item in items {
        let next = groups.len();
        let place = phone(&item).map_or(next, |number| *places.entry(number).or_insert(next));
        match groups.get_mut(place) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}
