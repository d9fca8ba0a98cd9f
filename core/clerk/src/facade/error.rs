//! The one error of the facade: flat, with a stable code and values that a shell words.

use yaoban_domain::task::TaskError;
use yaoban_protocol::endpoint::refusal;

use crate::store::{FromStore, StoreError};
use crate::sync::{Problem, StoreFailure, code};

/// Codes of the way to the hub that time does not mend: somebody pairs, installs or asks anew.
const LASTING: [&str; 8] = [
    code::NOT_PAIRED,
    code::PAIR_CODE_BAD,
    code::ALREADY_PAIRED,
    code::OTHER_CHAIN,
    refusal::DEVICE_REVOKED,
    refusal::DEVICE_UNKNOWN,
    refusal::PAIR_CODE_INVALID,
    refusal::SCHEMA_TOO_OLD,
];

/// Result of the facade.
pub type AppResult<T> = Result<T, AppError>;

/// Why something could not be done. [`Self::code`] and [`Self::values`] are what a shell words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// This phone was never paired.
    #[error("this phone is not paired; pair it with a code of the hub")]
    NotPaired,
    /// The hub locked this phone.
    #[error("the hub locked this phone ({reason}); ask the chain's headquarters")]
    DeviceLocked {
        /// Why, as the hub's code.
        reason: String,
    },
    /// Nobody has said who uses the phone.
    #[error("nobody is signed in; choose a member of staff")]
    StaffMissing,
    /// The lock fell; the same person signs in again.
    #[error("the lock fell; sign in again")]
    Locked,
    /// A PIN is set and none was given.
    #[error("a pin is set; give it")]
    PinMissing,
    /// The PIN is wrong.
    #[error("wrong pin; {tries_left} more before a pause")]
    PinWrong {
        /// Wrong PINs that are left before nobody can try for a while.
        tries_left: u32,
    },
    /// Too many wrong PINs; wait.
    #[error("too many wrong pins; try again in {wait_s} s")]
    PinBlocked {
        /// Seconds to wait.
        wait_s: i64,
    },
    /// Nothing has this id here.
    #[error("no such {what} on this phone")]
    Unknown {
        /// What was asked for: `member`, `task`, `template` …
        what: &'static str,
    },
    /// An input does not have the form that is needed.
    #[error("{field} is not valid: expected {expected}")]
    Invalid {
        /// Which input, as a code.
        field: &'static str,
        /// What was expected, as a code.
        expected: &'static str,
        /// Values for the wording of what was expected, by name.
        values: Vec<(String, String)>,
    },
    /// The rules refuse it: a code of the gate (`gate.<reason>`), of the task state machine or of
    /// the operations.
    #[error("refused: {code}")]
    Refused {
        /// Why.
        code: String,
        /// Values for the wording, by name.
        values: Vec<(String, String)>,
    },
    /// The way to the hub, or the hub itself.
    #[error("{message}")]
    Hub {
        /// Why, as a stable code.
        code: String,
        /// What was wrong, without personal data.
        message: String,
    },
    /// The file.
    #[error("{message}")]
    Storage {
        /// Why, as a stable code.
        code: String,
        /// What was wrong and what to do.
        message: String,
    },
}

impl AppError {
    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::NotPaired => "not_paired",
            Self::DeviceLocked { .. } => "device_locked",
            Self::StaffMissing => "staff_missing",
            Self::Locked => "locked",
            Self::PinMissing => "pin_missing",
            Self::PinWrong { .. } => "pin_wrong",
            Self::PinBlocked { .. } => "pin_blocked",
            Self::Unknown { what } => match *what {
                "member" => "unknown_member",
                "task" => "unknown_task",
                "template" => "unknown_template",
                "staff" => "unknown_staff",
                _ => "unknown_what",
            },
            Self::Invalid { .. } => "invalid",
            Self::Refused { code, .. } | Self::Hub { code, .. } | Self::Storage { code, .. } => code,
        }
    }

    /// The hub is not to be reached now: the same may work later without anybody doing something.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Hub { code, .. } if !LASTING.contains(&code.as_str()))
    }

    /// Values for the wording, by name; [`super::wording::kind_of`] tells how each is said.
    pub fn values(&self) -> Vec<(String, String)> {
        let value = |name: &str, value: &dyn ToString| (name.to_owned(), value.to_string());
        match self {
            Self::DeviceLocked { reason } => vec![value("locked", reason)],
            Self::PinWrong { tries_left } => vec![value("tries_left", tries_left)],
            Self::PinBlocked { wait_s } => vec![value("wait_s", wait_s)],
            Self::Unknown { what } => vec![value("what", what)],
            Self::Invalid {
                field,
                expected,
                values,
            } => {
                let mut all = vec![value("field", field), value("expected", expected)];
                all.extend(values.iter().cloned());
                all
            }
            Self::Refused { values, .. } => values.clone(),
            Self::Hub { message, .. } | Self::Storage { message, .. } => vec![value("message", message)],
            Self::NotPaired | Self::StaffMissing | Self::Locked | Self::PinMissing => Vec::new(),
        }
    }

    /// An input that does not have the form that is needed.
    pub(crate) fn invalid<'a>(
        field: &'static str,
        expected: &'static str,
        values: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self::Invalid {
            field,
            expected,
            values: values.collect(),
        }
    }

    /// A refusal with a code and no values.
    pub fn refused(code: impl Into<String>) -> Self {
        Self::Refused {
            code: code.into(),
            values: Vec::new(),
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused { code, values } => Self::Refused { code, values },
            other => Self::Storage {
                code: other.code().to_owned(),
                message: other.to_string(),
            },
        }
    }
}

impl FromStore for AppError {
    fn is_damage(&self) -> bool {
        self.code() == StoreError::Damaged.code()
    }
}

impl From<rusqlite::Error> for AppError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<StoreFailure> for AppError {
    fn from(failure: StoreFailure) -> Self {
        Self::Storage {
            code: failure.code,
            message: failure.message,
        }
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self::Hub {
            code: problem.code,
            message: problem.message,
        }
    }
}

impl From<TaskError> for AppError {
    fn from(error: TaskError) -> Self {
        Self::Refused {
            code: error.code().to_owned(),
            values: error.values(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_time_mends_is_tried_again() {
        let hub = |code: &str| AppError::from(Problem::new(code, "")).is_offline();
        for code in [
            code::HUB_UNREACHABLE,
            code::TIMED_OUT,
            refusal::BUSY,
            "of_a_newer_hub",
        ] {
            assert!(hub(code), "{code}");
        }
        for code in LASTING {
            assert!(!hub(code), "{code}");
        }
        assert!(!AppError::NotPaired.is_offline());
        assert!(!AppError::refused("unsent").is_offline());
    }
}
