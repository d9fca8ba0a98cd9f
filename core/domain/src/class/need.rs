//! The health need of a member, and the split into chronic and general (rules, section 1).

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::calendar::is_in_window;
use crate::codes::{BpGrade, Care};
use crate::disease;
use crate::health::{Latest, Measure, Taken, bp_grade, glucose_above_target};
use crate::rules::{ClassRules, HealthRules, Rules};

/// What is known of a member's health.
#[derive(Debug, Clone, Copy, Default)]
pub struct HealthInput<'a> {
    /// Disease codes.
    pub diseases: &'a [String],
    /// The latest readings up to `as_of`, as [`crate::health::latest`] gives them.
    pub latest: Latest,
    /// Height in centimetres.
    pub height_cm: Option<u16>,
    /// Weight in hundreds of grams.
    pub weight_hg: Option<u16>,
}

/// The points of the health need, for the profile's why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HealthPoints {
    /// For chronic diagnoses.
    pub diseases: i64,
    /// For the latest blood pressure.
    pub bp: i64,
    /// For the latest glucose.
    pub glucose: i64,
    /// For a BMI out of range.
    pub bmi: i64,
}

impl HealthPoints {
    /// The health need 1..=5.
    pub fn need(self, rules: &ClassRules) -> u8 {
        let points = self.diseases + self.bp + self.glucose + self.bmi;
        (1 + points.clamp(0, rules.need_points_max)).clamp(1, 5) as u8
    }
}

/// The health need 1..=5; none unless there is any diagnosis, chronic or not, or a reading at most
/// 180 days old.
pub fn health_need(input: &HealthInput<'_>, as_of: NaiveDate, rules: &Rules) -> Option<u8> {
    health_points(input, as_of, rules).map(|points| points.need(&rules.class))
}

/// The points that make the health need; none where the need is unknown.
pub fn health_points(input: &HealthInput<'_>, as_of: NaiveDate, rules: &Rules) -> Option<HealthPoints> {
    let age_days_max = rules.class.reading_age_days_max;
    let current = |reading: Option<Taken>| {
        reading
            .filter(|taken| is_in_window(taken.day, as_of, age_days_max + 1))
            .map(|taken| taken.measure)
    };
    let (bp, glucose) = (current(input.latest.bp), current(input.latest.glucose));
    if input.diseases.is_empty() && bp.is_none() && glucose.is_none() {
        return None;
    }
    let measure_points = |measure: Option<Measure>| {
        measure.map_or(0, |measure| reading_points(measure, &rules.class, &rules.health))
    };
    Some(HealthPoints {
        diseases: disease_points(input.diseases, &rules.class),
        bp: measure_points(bp),
        glucose: measure_points(glucose),
        bmi: if bmi_out_of_range(input.height_cm, input.weight_hg, &rules.class) {
            rules.class.bmi_points
        } else {
            0
        },
    })
}

fn disease_points(diseases: &[String], rules: &ClassRules) -> i64 {
    let chronic = diseases
        .iter()
        .enumerate()
        .filter(|(i, code)| disease::is_chronic(code) && !diseases[..*i].contains(code));
    (chronic.count() as i64).min(rules.disease_points_max)
}

fn reading_points(measure: Measure, rules: &ClassRules, health: &HealthRules) -> i64 {
    match measure {
        Measure::Bp {
            systolic,
            diastolic,
            context,
        } => match bp_grade(systolic, diastolic, context, health) {
            BpGrade::Normal | BpGrade::HighNormal => 0,
            BpGrade::Grade1 => rules.bp_points[0],
            BpGrade::Grade2 => rules.bp_points[1],
            BpGrade::Grade3 => rules.bp_points[2],
        },
        Measure::Glucose { .. } if measure.is_emergency(health) => rules.glucose_emergency_points,
        Measure::Glucose { tenths, context } if glucose_above_target(tenths, context, health) => {
            rules.glucose_above_target_points
        }
        Measure::Glucose { .. } => 0,
    }
}

/// BMI ≥ 28 or < 18.5, without rounding: weight_hg · 10,000 / height_cm² are tenths of kg/m².
fn bmi_out_of_range(height_cm: Option<u16>, weight_hg: Option<u16>, rules: &ClassRules) -> bool {
    match (height_cm, weight_hg) {
        (Some(height), Some(weight)) if height > 0 && weight > 0 => {
            let square = i64::from(height) * i64::from(height);
            let scaled = i64::from(weight) * 10_000;
            scaled >= rules.bmi_high_tenths * square || scaled < rules.bmi_low_tenths * square
        }
        _ => false,
    }
}

/// Chronic or general. Chronic are members with a diagnosed chronic disease; or with fills on at
/// least 2 days of one chronic ingredient within 180 days; or with readings of grade 1 or the
/// diabetes range, of either kind, on at least 2 days within 365 days. Both periods end with and
/// include `as_of`.
///
/// `fills`: (ingredient, day number, packs in thousandths, negative for a return) of chronic
/// ingredients; a fill is a day with net units above 0. `readings`: (day number, values).
pub fn care<K: Ord>(
    diseases: &[String],
    fills: impl IntoIterator<Item = (K, i32, i64)>,
    readings: impl IntoIterator<Item = (i32, Measure)>,
    as_of: NaiveDate,
    rules: &Rules,
) -> Care {
    let chronic = diseases.iter().any(|code| disease::is_chronic(code))
        || fills_chronic(fills, as_of, &rules.class)
        || readings_chronic(readings, as_of, rules);
    if chronic { Care::Chronic } else { Care::General }
}

fn fills_chronic<K: Ord>(
    fills: impl IntoIterator<Item = (K, i32, i64)>,
    as_of: NaiveDate,
    rules: &ClassRules,
) -> bool {
    let mut fills: Vec<_> = fills
        .into_iter()
        .filter(|(_, day, _)| is_in_window(*day, as_of, rules.chronic_fill_days))
        .collect();
    fills.sort_unstable();
    fills.chunk_by(|a, b| a.0 == b.0).any(|ingredient| {
        let days = ingredient.chunk_by(|a, b| a.1 == b.1);
        days.filter(|day| day.iter().map(|(_, _, quantity)| quantity).sum::<i64>() > 0)
            .count()
            >= rules.chronic_fills_min
    })
}

fn readings_chronic(
    readings: impl IntoIterator<Item = (i32, Measure)>,
    as_of: NaiveDate,
    rules: &Rules,
) -> bool {
    let chronic = readings.into_iter().filter(|(day, measure)| {
        is_in_window(*day, as_of, rules.class.chronic_reading_days) && measure.is_chronic_range(&rules.health)
    });
    let mut days = BTreeSet::new();
    days.extend(chronic.map(|(day, _)| day));
    days.len() >= rules.class.chronic_readings_min
}

#[cfg(test)]
mod tests;
