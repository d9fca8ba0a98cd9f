//! Types of the core that uniffi cannot express, each with what stands for it across the boundary.

use std::path::PathBuf;

use chrono::NaiveDate;
use secrecy::{ExposeSecret as _, SecretString};
use yaoban_clerk_core::facade::AppError;
use yaoban_clerk_core::facade::wording::{self, kind_of};
use yaoban_domain::codes::{CarrierResult, ContactPurpose, Open, Sex, TaskKind, TaskOrigin, TaskState};

/// A civil date, as ISO text; `java.time.LocalDate` in Kotlin.
pub type CivilDate = NaiveDate;
uniffi::custom_type!(
    /// A civil date by the chain's calendar.
    CivilDate, String, {
    remote,
    lower: |day| day.to_string(),
    try_lift: |text| text.parse().map_err(|_| invalid("date", "date").into()),
});

/// Values for a wording, by name.
pub type Values = Vec<WordingValue>;
/// A value for a wording, with its name. On the other side it prints without the value.
pub type WordingValue = (String, String);
uniffi::custom_type!(
    /// A value for a wording, with its name.
    WordingValue, NamedValue, {
    remote,
    lower: |pair| {
        let kind = match kind_of(&pair.0, &pair.1) {
            wording::ValueKind::Text => ValueKind::Text,
            wording::ValueKind::Day => ValueKind::Day,
            wording::ValueKind::Instant => ValueKind::Instant,
            wording::ValueKind::Wait { n, unit } => ValueKind::Wait { n, unit: unit.to_owned() },
            wording::ValueKind::Code { group } => ValueKind::Code { group: group.to_owned() },
        };
        NamedValue { name: pair.0, value: pair.1, kind }
    },
    try_lift: |one| Ok((one.name, one.value)),
});

/// How [`WordingValue`] crosses the boundary.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NamedValue {
    /// Its name in the wording.
    pub name: String,
    /// The value.
    pub value: String,
    /// What it is, and so how it is said.
    pub kind: ValueKind,
}

/// What a value is, and so how it is said.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum ValueKind {
    /// Said as it is.
    Text,
    /// A civil date, ISO.
    Day,
    /// An instant, milliseconds in UTC.
    Instant,
    /// Seconds to wait, in the unit that people count them in: the text `wait.unit`.
    Wait {
        /// So many, rounded up.
        n: u64,
        /// `minutes` or `seconds`.
        unit: String,
    },
    /// A code, whose words are the text `group.value`; its places are filled by the other values.
    Code {
        /// The group of texts.
        group: String,
    },
}

/// A code that only the core makes.
pub type Word = &'static str;
uniffi::custom_type!(
    /// A code that only the core makes.
    Word, String, {
    remote,
    lower: |word| word.to_owned(),
    try_lift: |_word| Err(invalid("code", "made_by_core").into()),
});

/// How many there are, or how many at most.
pub type Amount = usize;
uniffi::custom_type!(
    /// How many there are, or how many at most.
    Amount, u64, {
    remote,
    lower: |amount| amount as u64,
    try_lift: |amount| amount.try_into().map_err(|_| invalid("count", "count").into()),
});

/// A file or folder.
pub type FilePath = PathBuf;
uniffi::custom_type!(
    /// A file or folder.
    FilePath, String, {
    remote,
    lower: |path| path.to_string_lossy().into_owned(),
    try_lift: |path| Ok(path.into()),
});

/// A phone number in clear, for the dialler or the SMS app and nothing else.
pub type PhoneNumber = SecretString;
uniffi::custom_type!(
    /// A phone number in clear, for the dialler or the SMS app and nothing else.
    PhoneNumber, String, {
    remote,
    lower: |number| number.expose_secret().to_owned(),
    try_lift: |number| Ok(number.into()),
});

fn invalid(field: &'static str, expected: &'static str) -> crate::ClerkError {
    AppError::Invalid {
        field,
        expected,
        values: Vec::new(),
    }
    .into()
}

/// Codes that a newer hub may have more of than this build knows.
macro_rules! open_codes {
    ($($(#[$meta:meta])* $name:ident: $of:ty;)+) => {$(
        $(#[$meta])*
        pub type $name = Open<$of>;
        uniffi::custom_type!($(#[$meta])* $name, String, {
            remote,
            lower: |code| code.code().to_owned(),
            try_lift: |code| Ok(Open::read(&code)),
        });
    )+};
}

open_codes! {
    /// What the carrier made of a dial, as a code; a newer hub may know more of them.
    CarrierResultCode: CarrierResult;
    /// Why a contact is made, as a code; a newer hub may know more of them.
    ContactPurposeCode: ContactPurpose;
    /// Sex, as a code.
    SexCode: Sex;
    /// How a task is carried out, as a code; a newer hub may know more of them.
    TaskKindCode: TaskKind;
    /// Where a task comes from, as a code; a newer hub may know more of them.
    TaskOriginCode: TaskOrigin;
    /// The state of a task, as a code; a newer hub may know more of them.
    TaskStateCode: TaskState;
}
