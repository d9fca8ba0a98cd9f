//! Health thresholds (rules, section 2): grades, targets, emergencies, possible values.
//!
//! Pressures are mmHg, glucose is tenths of mmol/L. A context that does not belong to the kind of
//! reading, or that this build does not know, counts as the kind's default: office, random.
//! One high reading is "elevated", never a diagnosis.

pub use crate::codes::{BpGrade, GlucoseGrade};
use chrono::NaiveDate;

use crate::calendar::day_number;
use crate::codes::{Code as _, ReadingContext, ReadingKind, Severity};
use crate::model::Reading;
use crate::rules::HealthRules;

const MS_PER_HOUR: i64 = 3_600_000;

/// What a reading says: the numbers of one kind with their context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Blood pressure in mmHg.
    Bp {
        /// Systolic.
        systolic: u16,
        /// Diastolic.
        diastolic: u16,
        /// Office or home.
        context: ReadingContext,
    },
    /// Glucose.
    Glucose {
        /// Tenths of mmol/L.
        tenths: u16,
        /// Fasting, after a meal or random.
        context: ReadingContext,
    },
}

impl Measure {
    /// The numbers of a reading; none if its kind is not known or a number is missing.
    pub fn of(reading: &Reading) -> Option<Self> {
        let context = reading.context.known();
        match reading.kind.known()? {
            ReadingKind::Bp => Some(Self::bp(reading.systolic?, reading.diastolic?, context)),
            ReadingKind::Glucose => Some(Self::glucose(reading.glucose_tenths?, context)),
        }
    }

    /// A blood pressure; no context means office.
    pub fn bp(systolic: u16, diastolic: u16, context: Option<ReadingContext>) -> Self {
        let context = if context == Some(ReadingContext::Home) {
            ReadingContext::Home
        } else {
            ReadingContext::Office
        };
        Self::Bp {
            systolic,
            diastolic,
            context,
        }
    }

    /// A glucose value in tenths of mmol/L; no context means random.
    pub fn glucose(tenths: u16, context: Option<ReadingContext>) -> Self {
        let context = match context {
            Some(context @ (ReadingContext::Fasting | ReadingContext::AfterMeal)) => context,
            _ => ReadingContext::Random,
        };
        Self::Glucose { tenths, context }
    }

    /// Which kind of reading this is.
    pub fn kind(self) -> ReadingKind {
        match self {
            Self::Bp { .. } => ReadingKind::Bp,
            Self::Glucose { .. } => ReadingKind::Glucose,
        }
    }

    /// Whether the values are an emergency, however old they are.
    pub fn is_emergency(self, rules: &HealthRules) -> bool {
        match self {
            Self::Bp {
                systolic, diastolic, ..
            } => reaches((systolic, diastolic), rules.bp_grade3),
            Self::Glucose { tenths, .. } => tenths >= rules.glucose_emergency || tenths < rules.glucose_low,
        }
    }

    /// Whether the values are in the range that, on two days, makes a member chronic: grade 1 and
    /// more, or the diabetes range.
    pub fn is_chronic_range(self, rules: &HealthRules) -> bool {
        match self {
            Self::Bp {
                systolic,
                diastolic,
                context,
            } => bp_grade(systolic, diastolic, context, rules) >= BpGrade::Grade1,
            Self::Glucose { tenths, context } => tenths >= diabetes_from(context, rules),
        }
    }

    /// The grade on the one scale of both kinds. Glucose weighs as in the health need: above target
    /// or in the diabetes range is grade 1, an emergency grade 3.
    pub fn severity(self, rules: &HealthRules) -> Severity {
        match self {
            Self::Bp {
                systolic,
                diastolic,
                context,
            } => match bp_grade(systolic, diastolic, context, rules) {
                BpGrade::Normal => Severity::Normal,
                BpGrade::HighNormal => Severity::HighNormal,
                BpGrade::Grade1 => Severity::Grade1,
                BpGrade::Grade2 => Severity::Grade2,
                BpGrade::Grade3 => Severity::Grade3,
            },
            Self::Glucose { tenths, context } => match glucose_grade(tenths, context, rules) {
                GlucoseGrade::Normal => Severity::Normal,
                GlucoseGrade::HighNormal => Severity::HighNormal,
                GlucoseGrade::AboveTarget | GlucoseGrade::DiabetesRange => Severity::Grade1,
                GlucoseGrade::Low | GlucoseGrade::VeryHigh => Severity::Grade3,
            },
        }
    }

    /// Whether the values meet the member's target.
    pub fn in_target(self, diabetic: bool, rules: &HealthRules) -> bool {
        match self {
            Self::Bp {
                systolic, diastolic, ..
            } => !reaches((systolic, diastolic), bp_target_below(diabetic, rules)),
            Self::Glucose { tenths, context } => {
                let (from, to) = glucose_target(context, rules);
                from.is_none_or(|from| tenths >= from) && tenths <= to
            }
        }
    }

    /// The grade, as a code: of [`BpGrade`] or [`GlucoseGrade`].
    pub fn grade(self, rules: &HealthRules) -> &'static str {
        match self {
            Self::Bp {
                systolic,
                diastolic,
                context,
            } => bp_grade(systolic, diastolic, context, rules).code(),
            Self::Glucose { tenths, context } => glucose_grade(tenths, context, rules).code(),
        }
    }
}

/// A reading's values with their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Business date as a day number.
    pub day: i32,
    /// When, UTC.
    pub at_ms: i64,
    /// The values.
    pub measure: Measure,
}

/// The latest reading of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latest {
    /// Blood pressure.
    pub bp: Option<Taken>,
    /// Glucose.
    pub glucose: Option<Taken>,
}

/// The latest reading of each kind up to and including `as_of`; of two at one instant the one that
/// comes later in the input. The caller leaves superseded readings out.
pub fn latest(readings: impl IntoIterator<Item = Taken>, as_of: NaiveDate) -> Latest {
    let today = day_number(as_of);
    let mut latest = Latest::default();
    for taken in readings.into_iter().filter(|taken| taken.day <= today) {
        let slot = match taken.measure.kind() {
            ReadingKind::Bp => &mut latest.bp,
            ReadingKind::Glucose => &mut latest.glucose,
        };
        if slot.is_none_or(|before| before.at_ms <= taken.at_ms) {
            *slot = Some(taken);
        }
    }
    latest
}

/// The higher grade of the two numbers counts: whether either one reaches its limit.
fn reaches((systolic, diastolic): (u16, u16), (systolic_from, diastolic_from): (u16, u16)) -> bool {
    systolic >= systolic_from || diastolic >= diastolic_from
}

/// The target of a blood pressure lies below these. Diabetics have a lower one.
pub fn bp_target_below(diabetic: bool, rules: &HealthRules) -> (u16, u16) {
    if diabetic {
        rules.bp_target_diabetic
    } else {
        rules.bp_target
    }
}

/// The target of a glucose value in tenths of mmol/L, both ends included.
pub fn glucose_target(context: ReadingContext, rules: &HealthRules) -> (Option<u16>, u16) {
    if context == ReadingContext::Fasting {
        (Some(rules.glucose_target_low), rules.glucose_target_fasting_high)
    } else {
        (None, rules.glucose_target_other_high.saturating_sub(1))
    }
}

/// Whether a context belongs to a kind: blood pressure is taken in the store or at home, glucose
/// before or after a meal.
pub fn context_fits(kind: ReadingKind, context: ReadingContext) -> bool {
    let of_pressure = matches!(context, ReadingContext::Office | ReadingContext::Home);
    of_pressure == (kind == ReadingKind::Bp)
}

/// What a reading counts as that tells no context.
pub fn default_context(kind: ReadingKind) -> ReadingContext {
    match kind {
        ReadingKind::Bp => ReadingContext::Office,
        ReadingKind::Glucose => ReadingContext::Random,
    }
}

/// Grade of a blood pressure. At home grade 1 begins earlier; all other limits are those of the
/// office.
pub fn bp_grade(systolic: u16, diastolic: u16, context: ReadingContext, rules: &HealthRules) -> BpGrade {
    let value = (systolic, diastolic);
    let home = context == ReadingContext::Home;
    let grade1 = if home {
        rules.bp_home_grade1
    } else {
        rules.bp_grade1
    };
    if reaches(value, rules.bp_grade3) {
        BpGrade::Grade3
    } else if reaches(value, rules.bp_grade2) {
        BpGrade::Grade2
    } else if reaches(value, grade1) {
        BpGrade::Grade1
    } else if reaches(value, rules.bp_high_normal) {
        BpGrade::HighNormal
    } else {
        BpGrade::Normal
    }
}

/// Grade of a glucose value in tenths of mmol/L. Fasting 7.0 is in the target and in the diabetes
/// range at once, as the specification has it: the grade is the range, the target is
/// [`Measure::in_target`].
pub fn glucose_grade(tenths: u16, context: ReadingContext, rules: &HealthRules) -> GlucoseGrade {
    let fasting = context == ReadingContext::Fasting;
    if tenths < rules.glucose_low {
        GlucoseGrade::Low
    } else if tenths >= rules.glucose_emergency {
        GlucoseGrade::VeryHigh
    } else if tenths >= diabetes_from(context, rules) {
        GlucoseGrade::DiabetesRange
    } else if glucose_above_target(tenths, context, rules) {
        GlucoseGrade::AboveTarget
    } else if fasting && tenths >= rules.glucose_high_normal_fasting {
        GlucoseGrade::HighNormal
    } else {
        GlucoseGrade::Normal
    }
}

/// Whether a glucose value lies above its target.
pub fn glucose_above_target(tenths: u16, context: ReadingContext, rules: &HealthRules) -> bool {
    tenths > glucose_target(context, rules).1
}

fn diabetes_from(context: ReadingContext, rules: &HealthRules) -> u16 {
    if context == ReadingContext::Fasting {
        rules.glucose_diabetes_fasting
    } else {
        rules.glucose_diabetes_other
    }
}

/// Why a reading is refused at entry and goes to the reject file on import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// Neither blood pressure nor glucose.
    #[error("kind of reading is not known, expected bp or glucose")]
    UnknownKind,
    /// The number is missing that the kind needs.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// No living member has such a value.
    #[error("{what} {value} is impossible, expected {from} to {to} {unit}")]
    Impossible {
        /// Which number.
        what: &'static str,
        /// What was given.
        value: u16,
        /// Lowest possible value.
        from: u16,
        /// Highest possible value.
        to: u16,
        /// Unit of all three.
        unit: &'static str,
    },
    /// The two pressures are swapped or equal.
    #[error("systolic {systolic} is not above diastolic {diastolic}")]
    NotAbove {
        /// Systolic as given.
        systolic: u16,
        /// Diastolic as given.
        diastolic: u16,
    },
}

impl ReadingError {
    /// The stable code, for reject files and screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownKind => "unknown_kind",
            Self::Missing(_) => "missing_value",
            Self::Impossible { .. } => "impossible_value",
            Self::NotAbove { .. } => "systolic_not_above_diastolic",
        }
    }
}

/// Refuses values that no living member can have, and readings without their numbers.
pub fn check_plausible(reading: &Reading, rules: &HealthRules) -> Result<Measure, ReadingError> {
    let kind = reading.kind.known().ok_or(ReadingError::UnknownKind)?;
    for number in numbers(kind, rules) {
        let value = (number.of)(reading).ok_or(ReadingError::Missing(number.name))?;
        number.check(value)?;
    }
    if let (ReadingKind::Bp, Some(systolic), Some(diastolic)) = (kind, reading.systolic, reading.diastolic)
        && systolic <= diastolic
    {
        return Err(ReadingError::NotAbove { systolic, diastolic });
    }
    Measure::of(reading).ok_or(ReadingError::UnknownKind)
}

/// [`check_plausible`] while the numbers are typed: none as long as more digits can make them
/// possible. Only the last number is still under way.
pub fn check_entry(reading: &Reading, rules: &HealthRules) -> Result<Option<Measure>, ReadingError> {
    let kind = reading.kind.known().ok_or(ReadingError::UnknownKind)?;
    let typed: Vec<(Number, u16)> = numbers(kind, rules)
        .into_iter()
        .filter_map(|number| Some((number, (number.of)(reading)?)))
        .collect();
    if let Some(((last, value), before)) = typed.split_last() {
        before
            .iter()
            .try_for_each(|(number, value)| number.check(*value))?;
        if last.may_grow(*value) {
            return Ok(None);
        }
        last.check(*value)?;
    }
    match check_plausible(reading, rules) {
        Err(ReadingError::Missing(_)) => Ok(None),
        checked => checked.map(Some),
    }
}

/// A number of a reading.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// `systolic`, `diastolic` or `glucose`.
    pub name: &'static str,
    /// Possible values, both ends included.
    pub possible: (u16, u16),
    /// Its unit.
    pub unit: &'static str,
    /// Places behind the point with which it is typed and shown; it is kept without the point.
    pub decimals: u8,
    of: fn(&Reading) -> Option<u16>,
}

/// The numbers of a kind, in the order in which they are typed.
pub fn numbers(kind: ReadingKind, rules: &HealthRules) -> Vec<Number> {
    let number = |name, possible, of| Number {
        name,
        possible,
        unit: "mmHg",
        decimals: 0,
        of,
    };
    match kind {
        ReadingKind::Bp => vec![
            number("systolic", rules.systolic_range, |r: &Reading| r.systolic),
            number("diastolic", rules.diastolic_range, |r| r.diastolic),
        ],
        ReadingKind::Glucose => vec![Number {
            unit: "tenths of mmol/L",
            decimals: 1,
            ..number("glucose", rules.glucose_range, |r| r.glucose_tenths)
        }],
    }
}

impl Number {
    fn check(&self, value: u16) -> Result<(), ReadingError> {
        let (from, to) = self.possible;
        if (from..=to).contains(&value) {
            return Ok(());
        }
        Err(ReadingError::Impossible {
            what: self.name,
            value,
            from,
            to,
            unit: self.unit,
        })
    }

    /// Whether more digits can still make a possible value of one that is none yet. Of a number with
    /// a decimal that is so of a mere 0.
    fn may_grow(&self, typed: u16) -> bool {
        if self.decimals > 0 {
            typed == 0
        } else {
            may_grow(typed, self.possible)
        }
    }
}

/// Whether more digits can still make a possible value of a number that is none yet.
fn may_grow(typed: u16, (from, to): (u16, u16)) -> bool {
    let (mut least, mut most) = (u32::from(typed), u32::from(typed));
    while most < u32::from(from) {
        (least, most) = (least * 10, most * 10 + 9);
    }
    typed < from && least <= u32::from(to)
}

/// Whether a reading is an emergency, however old it is.
pub fn is_emergency(reading: &Reading, rules: &HealthRules) -> bool {
    Measure::of(reading).is_some_and(|measure| measure.is_emergency(rules))
}

/// Whether a reading raises an alarm at `now_ms`: an emergency taken within the last 24 hours, both
/// ends included. Older ones, that come in by import, only show; one from the future does not exist.
pub fn raises_alarm(reading: &Reading, now_ms: i64, rules: &HealthRules) -> bool {
    let age_ms = now_ms.saturating_sub(reading.taken_at_ms);
    (0..=rules.emergency_hours * MS_PER_HOUR).contains(&age_ms) && is_emergency(reading, rules)
}

/// Glucose in tenths of mmol/L from mg/dL, rounded half up.
pub fn mg_dl_to_tenths(mg_dl: u16, rules: &HealthRules) -> u16 {
    let tenths = (f64::from(mg_dl) * 10.0 / rules.mg_dl_per_mmol + 0.5).floor();
    if tenths.is_finite() {
        tenths.clamp(0.0, f64::from(u16::MAX)) as u16
    } else {
        0
    }
}

#[cfg(test)]
mod tests;
