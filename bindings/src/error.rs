//! The one error across the boundary.

use yaoban_clerk_core::facade::AppError;

use crate::custom::Values;

/// Result of a call.
pub type Result<T> = std::result::Result<T, ClerkError>;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ClerkError {
    /// The only variant: what a shell does about it depends on the kind, what it says on the code and
    /// its values.
    #[error("{detail}")]
    Failed {
        /// What it is about.
        kind: ErrorKind,
        /// The stable code. Its words are the text `refused.<code>`, or that of the code itself where it names its
        /// group (`gate.<reason>`).
        code: String,
        /// Values for the wording, by name.
        values: Values,
        /// For logs: what was wrong and what to do, in English, without personal data.
        detail: String,
    },
}

/// What an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ErrorKind {
    /// This phone was never paired.
    NotPaired,
    /// The hub locked this phone.
    DeviceLocked,
    /// Nobody has said who uses the phone.
    StaffMissing,
    /// The lock fell; the same person signs in again.
    Locked,
    /// A PIN is set and none was given.
    PinMissing,
    /// The PIN is wrong; `tries_left` says how often one may still try.
    PinWrong,
    /// Too many wrong PINs; wait for `wait_s` seconds.
    PinBlocked,
    /// Nothing has this id here.
    Unknown,
    /// An input (`field`) does not have the form that is needed (`expected`).
    Invalid,
    /// The rules refuse it: a code of the gate (`gate.<reason>`), of the task state machine or of the
    /// operations.
    Refused,
    /// The hub is not to be reached now: the same may work later without anybody doing something.
    Offline,
    /// The way to the hub, or the hub itself: somebody has to do something.
    Hub,
    /// The file.
    Storage,
}

impl From<&AppError> for ErrorKind {
    fn from(error: &AppError) -> Self {
        match error {
            AppError::NotPaired => Self::NotPaired,
            AppError::DeviceLocked { .. } => Self::DeviceLocked,
            AppError::StaffMissing => Self::StaffMissing,
            AppError::Locked => Self::Locked,
            AppError::PinMissing => Self::PinMissing,
            AppError::PinWrong { .. } => Self::PinWrong,
            AppError::PinBlocked { .. } => Self::PinBlocked,
            AppError::Unknown { .. } => Self::Unknown,
            AppError::Invalid { .. } => Self::Invalid,
            AppError::Refused { .. } => Self::Refused,
            AppError::Hub { .. } if error.is_offline() => Self::Offline,
            AppError::Hub { .. } => Self::Hub,
            AppError::Storage { .. } => Self::Storage,
        }
    }
}

impl From<AppError> for ClerkError {
    fn from(error: AppError) -> Self {
        Self::Failed {
            kind: ErrorKind::from(&error),
            code: error.code().to_owned(),
            values: error.values(),
            detail: error.to_string(),
        }
    }
}
