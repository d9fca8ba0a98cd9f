//! The enums of the field. Each value has one stable code: the same word in Rust, SQL, JSON, on the
//! wire and as a screen's key.
//!
//! Wire records hold [`Open`] values, so that a code that this build does not know is kept and
//! written back unchanged (sync protocol, point 11).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A code that is not one of the enum's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{code}`, expected one of {expected}")]
pub struct UnknownCode {
    /// What was being read, for example `task kind`.
    pub what: &'static str,
    /// The code that was found.
    pub code: String,
    /// The codes that exist, separated by commas.
    pub expected: String,
}

/// An enum with a stable text code for each value.
pub trait Code: Sized + Copy + 'static {
    /// What this enum is, for messages.
    const WHAT: &'static str;
    /// All values, in the order of the specification.
    const ALL: &'static [Self];
    /// The stable code.
    fn code(self) -> &'static str;
    /// The value with this code.
    fn from_code(code: &str) -> Option<Self>;
}

/// A value that may come from a newer version: known, or kept as its code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open<T> {
    /// A value that this build knows.
    Known(T),
    /// A code from a newer version, kept as it came.
    Unknown(String),
}

impl<T: Code> Open<T> {
    /// The code, known or not.
    pub fn code(&self) -> &str {
        match self {
            Self::Known(value) => value.code(),
            Self::Unknown(code) => code,
        }
    }

    /// The value if this build knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(value) => Some(*value),
            Self::Unknown(_) => None,
        }
    }

    /// Reads a code; one that is not known is kept.
    pub fn read(code: &str) -> Self {
        T::from_code(code).map_or_else(|| Self::Unknown(code.to_owned()), Self::Known)
    }

    /// Whether this is the given value.
    pub fn is(&self, value: T) -> bool {
        self.code() == value.code()
    }
}

impl<T> From<T> for Open<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: Code> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de, T: Code> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::read(&String::deserialize(deserializer)?))
    }
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$vmeta:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl Code for $name {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
            fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.code()) }
        }

        impl FromStr for $name {
            type Err = UnknownCode;
            fn from_str(code: &str) -> Result<Self, UnknownCode> {
                Self::from_code(code).ok_or_else(|| UnknownCode {
                    what: $what,
                    code: code.to_owned(),
                    expected: [$($code),+].join(", "),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.code())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

codes! {
    /// Sex as the chain recorded it.
    Sex, "sex" {
        /// 女
        Female = "female",
        /// 男
        Male = "male",
    }
}

codes! {
    /// The six member classes of H-RFM (rules, section 1).
    Class, "class" {
        /// 重要保持
        Retain = "retain",
        /// 重要发展
        Develop = "develop",
        /// 重要挽留
        WinBack = "win_back",
        /// 一般重要
        Valued = "valued",
        /// 一般
        Ordinary = "ordinary",
        /// 无价值; a clerk's screen shows it as 待激活
        Low = "low",
    }
}

codes! {
    /// The second split beside the class: chronic or general.
    Care, "care" {
        /// 慢病
        Chronic = "chronic",
        /// 普通
        General = "general",
    }
}

codes! {
    /// Leaning in price (rules, section 8); a member in between, or unknown, has none.
    PriceLeaning, "price leaning" {
        /// Mean price rank at most 0.33.
        PriceMinded = "price_minded",
        /// Mean price rank at least 0.67.
        QualityMinded = "quality_minded",
    }
}

codes! {
    /// How often a member measures (rules, section 8): readings in 90 days.
    Testing, "testing" {
        /// No reading.
        None = "none",
        /// 1 or 2 readings.
        Occasional = "occasional",
        /// 3 readings or more.
        Frequent = "frequent",
    }
}

codes! {
    /// The highest current grade of blood pressure and glucose (rules, section 8), in rising order.
    /// For glucose: high-normal is `high_normal`, above target or in the diabetes range `grade1`,
    /// an emergency `grade3` (the same weights as the health need of section 1).
    Severity, "severity" {
        /// All current readings normal.
        Normal = "normal",
        /// High-normal.
        HighNormal = "high_normal",
        /// Grade 1.
        Grade1 = "grade1",
        /// Grade 2.
        Grade2 = "grade2",
        /// Grade 3.
        Grade3 = "grade3",
    }
}

codes! {
    /// What a reading measures.
    ReadingKind, "reading kind" {
        /// Blood pressure, mmHg.
        Bp = "bp",
        /// Glucose, mmol/L.
        Glucose = "glucose",
    }
}

codes! {
    /// Where, or when in relation to a meal, a reading was taken.
    ReadingContext, "reading context" {
        /// Blood pressure in the store (the default).
        Office = "office",
        /// Blood pressure at home.
        Home = "home",
        /// Glucose, fasting.
        Fasting = "fasting",
        /// Glucose after a meal.
        AfterMeal = "after_meal",
        /// Glucose at any time (the default).
        Random = "random",
    }
}

codes! {
    /// Status of a medicine for a member (rules, section 3).
    MedicineStatus, "medicine status" {
        /// Stock reaches beyond the next 7 days.
        InUse = "in_use",
        /// 临药: stock ends within 7 days.
        RunningLow = "running_low",
        /// 断药: stock ended up to 60 days ago.
        Out = "out",
        /// Stock ended more than 60 days ago.
        Lapsed = "lapsed",
    }
}

codes! {
    /// How a task is carried out.
    TaskKind, "task kind" {
        /// A phone call.
        Call = "call",
        /// A text message.
        Sms = "sms",
        /// A WeChat or WeCom message.
        Wechat = "wechat",
        /// Something to do at the member's next visit.
        InStore = "in_store",
        /// A task for the store's pharmacist.
        Pharmacist = "pharmacist",
    }
}

codes! {
    /// State of a task (rules, section 4). `done`, `cancelled` and `expired` are absorbing.
    TaskState, "task state" {
        /// Waiting to be done.
        Open = "open",
        /// A clerk is at it.
        InProgress = "in_progress",
        /// Put off until a date.
        Deferred = "deferred",
        /// Done.
        Done = "done",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Ran past its due date or its last attempt.
        Expired = "expired",
    }
}

codes! {
    /// Where a task comes from.
    TaskOrigin, "task origin" {
        /// A campaign of headquarters.
        Campaign = "campaign",
        /// A step of a care journey.
        Journey = "journey",
        /// A clerk's own wish.
        Clerk = "clerk",
        /// A rule, such as an emergency reading.
        Rule = "rule",
    }
}

codes! {
    /// What the carrier made of a dial.
    CarrierResult, "carrier result" {
        /// Answered.
        Answered = "answered",
        /// Busy.
        Busy = "busy",
        /// Rang, nobody answered.
        NoAnswer = "no_answer",
        /// Rejected by the member.
        Rejected = "rejected",
        /// Phone switched off.
        PowerOff = "power_off",
        /// Number suspended.
        Suspended = "suspended",
        /// Number does not exist.
        InvalidNumber = "invalid_number",
        /// A machine answered.
        Voicemail = "voicemail",
        /// The line failed.
        LineFailed = "line_failed",
        /// The clerk cancelled before it rang.
        Cancelled = "cancelled",
        /// Answered, then cut off.
        Dropped = "dropped",
        /// Refused by the contact gate or the gateway.
        BlockedByPolicy = "blocked_by_policy",
    }
}

codes! {
    /// What came of a contact (rules, section 4).
    OutcomeCode, "outcome" {
        /// Agreed to visit by a date.
        AgreedToVisit = "agreed_to_visit",
        /// Asked to be called later.
        CallLater = "call_later",
        /// Has already bought here.
        AlreadyBought = "already_bought",
        /// Bought elsewhere.
        BoughtElsewhere = "bought_elsewhere",
        /// Still has stock.
        StillHasStock = "still_has_stock",
        /// A doctor changed or stopped the medicine.
        DoctorChangedOrStopped = "doctor_changed_or_stopped",
        /// Not interested in this campaign.
        NotInterested = "not_interested",
        /// Wants no more marketing.
        DoNotContact = "do_not_contact",
        /// The number belongs to somebody else.
        WrongNumber = "wrong_number",
        /// A pharmacist is needed today.
        NeedsPharmacist = "needs_pharmacist",
        /// An adverse reaction was reported.
        AdverseReaction = "adverse_reaction",
        /// Moved away.
        Moved = "moved",
        /// In hospital.
        Hospitalised = "hospitalised",
        /// Deceased.
        Deceased = "deceased",
        /// Something else; a note is required.
        Other = "other",
    }
}

codes! {
    /// By which channel a member is contacted.
    Channel, "channel" {
        /// A call by a clerk.
        Call = "call",
        /// A call by the voice robot.
        AiCall = "ai_call",
        /// A text message.
        Sms = "sms",
        /// WeChat or WeCom.
        Wechat = "wechat",
    }
}

codes! {
    /// What a consent is for. Each is separate.
    ConsentPurpose, "consent purpose" {
        /// Running the membership itself.
        Membership = "membership",
        /// Health services.
        Health = "health",
        /// Marketing.
        Marketing = "marketing",
        /// Profiling.
        Profiling = "profiling",
        /// Recording of calls.
        Recording = "recording",
    }
}

codes! {
    /// Why a contact is made; decides which consent it needs.
    ContactPurpose, "contact purpose" {
        /// A service to the member (medicine run-out, follow-up).
        Service = "service",
        /// Marketing.
        Marketing = "marketing",
        /// A health emergency of rules section 2.
        Emergency = "emergency",
    }
}

codes! {
    /// Roles of staff (rules, section 7).
    Role, "role" {
        /// 店员 / 药师
        Clerk = "clerk",
        /// 店长
        StoreManager = "store_manager",
        /// 区域经理
        RegionManager = "region_manager",
        /// 总部
        Admin = "admin",
    }
}

codes! {
    /// What became of a message.
    SendState, "send state" {
        /// Stored, not handed over yet.
        Queued = "queued",
        /// Handed to the messaging app or the gateway.
        Sent = "sent",
        /// Delivered.
        Delivered = "delivered",
        /// Failed.
        Failed = "failed",
        /// Refused by the contact gate.
        Refused = "refused",
    }
}

codes! {
    /// Grade of a blood pressure (rules, section 2), in ascending order.
    BpGrade, "blood pressure grade" {
        /// Below high-normal in both numbers.
        Normal = "normal",
        /// High-normal.
        HighNormal = "high_normal",
        /// Grade 1.
        Grade1 = "grade1",
        /// Grade 2.
        Grade2 = "grade2",
        /// Grade 3, also an emergency.
        Grade3 = "grade3",
    }
}

codes! {
    /// Grade of a glucose reading (rules, section 2). One high reading is elevated, never a diagnosis.
    GlucoseGrade, "glucose grade" {
        /// Below the low limit, also an emergency.
        Low = "low",
        /// Neither low nor raised.
        Normal = "normal",
        /// Fasting, high-normal.
        HighNormal = "high_normal",
        /// Above the target, below the diabetes range.
        AboveTarget = "above_target",
        /// In the diabetes range.
        DiabetesRange = "diabetes_range",
        /// At or above the emergency limit.
        VeryHigh = "very_high",
    }
}

codes! {
    /// Why the contact gate refuses or defers, in the order of rules section 5.
    GateReason, "gate reason" {
        /// The member has died.
        Deceased = "deceased",
        /// The member's data were erased.
        Erased = "erased",
        /// The number does not reach the member.
        NumberInvalid = "number_invalid",
        /// The channel needs a number and none is known.
        NoNumber = "no_number",
        /// All contact is paused.
        Paused = "paused",
        /// No consent for this purpose and channel is known.
        NoConsent = "no_consent",
        /// The consent for this purpose and channel was withdrawn.
        ConsentWithdrawn = "consent_withdrawn",
        /// The member asked not to be contacted.
        DoNotContact = "do_not_contact",
        /// Outside the allowed hours.
        OutsideHours = "outside_hours",
        /// A public holiday without contact.
        Holiday = "holiday",
        /// The marketing cap of one day is reached.
        CapMarketingDay = "cap_marketing_day",
        /// The marketing cap of 2 to 7 days is reached.
        CapMarketingWeek = "cap_marketing_week",
        /// The marketing cap of more than 7 days is reached.
        CapMarketingMonth = "cap_marketing_month",
        /// The service messages of the day are used up.
        CapServiceDay = "cap_service_day",
        /// A service message carries promotion.
        MixedPromotion = "mixed_promotion",
        /// The number was dialled often enough today.
        DialsADay = "dials_a_day",
    }
}

codes! {
    /// The arm of a campaign that a member is assigned to (rules, section 6).
    Arm, "arm" {
        /// Gets the campaign.
        Treated = "treated",
        /// Gets nothing, for comparison.
        Holdout = "holdout",
    }
}

codes! {
    /// What somebody of the chain's staff wants to see or do (rules, section 7).
    Action, "action" {
        /// See a member, its purchases and readings.
        SeeMember = "see_member",
        /// See a task.
        SeeTask = "see_task",
        /// See completion and statistics of a store by clerk.
        SeeStore = "see_store",
        /// See figures of a store without single members.
        SeeFigures = "see_figures",
        /// See figures of the chain.
        SeeChain = "see_chain",
        /// Start, put off, cancel a task or record what came of it.
        RunTask = "run_task",
        /// Register a new member.
        RegisterMember = "register_member",
        /// Edit a member's profile or regimens.
        EditMember = "edit_member",
        /// Record a reading.
        AddReading = "add_reading",
        /// Set tags.
        Tag = "tag",
        /// Write a note.
        AddNote = "add_note",
        /// Record a consent.
        SetConsent = "set_consent",
        /// Give a task to a clerk or to another one, rebalance tasks over clerks.
        Assign = "assign",
        /// Ask for a task to be done soon.
        Nudge = "nudge",
        /// Mark a clerk off for a day.
        MarkOff = "mark_off",
        /// Say whether two members are one person.
        Merge = "merge",
        /// Make a campaign for a store.
        Campaign = "campaign",
        /// Change services, scripts and message templates.
        Services = "services",
        /// Fit, set and publish the class model.
        Models = "models",
        /// Change users and their rights.
        Users = "users",
        /// Export data.
        Export = "export",
    }
}
