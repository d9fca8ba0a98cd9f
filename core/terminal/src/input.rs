//! What people type: dates in short, codes by their words, readings as they are written down.

use chrono::{NaiveDate, TimeDelta};
use yaoban_domain::codes::Code;

use crate::failure::Failure;
use crate::text::Texts;

/// A date: `2026-03-01`, `03-01` (the next one), `+3` for three days ahead, or 今天, 明天, 后天.
pub fn date(text: &str, today: NaiveDate) -> Result<NaiveDate, Failure> {
    let wrong = || Failure::refused("input.date", [("text", text)]);
    let by_word = DAYS.iter().find(|(word, _)| *word == text);
    if let Some((_, days)) = by_word {
        return Ok(today + TimeDelta::days(*days));
    }
    if let Some(days) = text.strip_prefix('+') {
        let days: u16 = days.parse().map_err(|_| wrong())?;
        return Ok(today + TimeDelta::days(days.into()));
    }
    if let Ok(day) = text.parse() {
        return Ok(day);
    }
    let in_year = |year: i32| format!("{year}-{text}").parse::<NaiveDate>().ok();
    let year = chrono::Datelike::year(&today);
    [in_year(year), in_year(year + 1)]
        .into_iter()
        .flatten()
        .find(|day| *day >= today)
        .ok_or_else(wrong)
}

/// Words for days and how far ahead they are.
const DAYS: [(&str, i64); 6] = [
    ("今天", 0),
    ("明天", 1),
    ("后天", 2),
    ("大后天", 3),
    ("today", 0),
    ("tomorrow", 1),
];

/// A weight in kilograms with at most one decimal, in hundreds of grams.
pub fn weight(text: &str) -> Result<u16, Failure> {
    one_decimal(text).ok_or_else(|| Failure::refused("input.weight", [("text", text)]))
}

/// A number with at most one decimal, in tenths.
fn one_decimal(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let valid = digits(whole) && digits(tenth) && tenth.len() == 1;
    valid.then(|| format!("{whole}{tenth}").parse().ok()).flatten()
}

/// A whole date, such as a birthday.
pub fn birthday(text: &str) -> Result<NaiveDate, Failure> {
    text.parse()
        .map_err(|_| Failure::refused("input.birthday", [("text", text)]))
}

/// A code by its word in the language shown, or by the code itself.
pub fn code<T: Code>(texts: &Texts, group: &str, text: &str) -> Result<T, Failure> {
    let by_word = || {
        T::ALL
            .iter()
            .copied()
            .find(|value| texts.code(group, value.code()) == text)
    };
    T::from_code(text).or_else(by_word).ok_or_else(|| {
        let words: Vec<String> = T::ALL
            .iter()
            .map(|value| format!("{} {}", value.code(), texts.code(group, value.code())))
            .collect();
        Failure::refused("input.code", [("text", text), ("expected", &words.join("、"))])
    })
}

/// A reading: `150/95`, or glucose with at most one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Systolic and diastolic pressure, mmHg.
    Pressure(u16, u16),
    /// Tenths of mmol/L.
    GlucoseTenths(u16),
    /// mg/dL, where the device shows that.
    GlucoseMgDl(u16),
}

/// Reads a reading.
pub fn reading(text: &str) -> Result<Value, Failure> {
    let wrong = || Failure::refused("input.reading", [("text", text)]);
    if let Some((high, low)) = text.split_once('/').filter(|(_, low)| *low != "dL") {
        let number = |part: &str| part.trim().parse().map_err(|_| wrong());
        return Ok(Value::Pressure(number(high)?, number(low)?));
    }
    if let Some(mg_dl) = text.strip_suffix("mg/dL").or_else(|| text.strip_suffix("mg")) {
        return mg_dl.trim().parse().map(Value::GlucoseMgDl).map_err(|_| wrong());
    }
    one_decimal(text).map(Value::GlucoseTenths).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use yaoban_domain::codes::OutcomeCode;

    use super::*;
    use crate::text::Language;

    #[test]
    fn dates_in_short() {
        let today = "2026-12-30".parse().unwrap();
        let read = |text: &str| date(text, today).map(|day| day.to_string()).ok();
        assert_eq!(read("2026-12-31").as_deref(), Some("2026-12-31"));
        assert_eq!(read("12-31").as_deref(), Some("2026-12-31"));
        assert_eq!(read("01-02").as_deref(), Some("2027-01-02"));
        assert_eq!(read("+3").as_deref(), Some("2027-01-02"));
        assert_eq!(read("后天").as_deref(), Some("2027-01-01"));
        for text in ["", "+", "+-1", "13-01", "someday", "昨天"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn codes_by_word() {
        let texts = Texts::new(Language::Zh);
        assert_eq!(
            code::<OutcomeCode>(&texts, "outcome", "约好到店").ok(),
            Some(OutcomeCode::AgreedToVisit)
        );
        assert_eq!(
            code::<OutcomeCode>(&texts, "outcome", "moved").ok(),
            Some(OutcomeCode::Moved)
        );
        assert!(code::<OutcomeCode>(&texts, "outcome", "?").is_err());
    }

    #[test]
    fn readings_as_written() {
        assert_eq!(reading("150/95").ok(), Some(Value::Pressure(150, 95)));
        assert_eq!(reading("7.8").ok(), Some(Value::GlucoseTenths(78)));
        assert_eq!(reading("11").ok(), Some(Value::GlucoseTenths(110)));
        assert_eq!(reading("140mg").ok(), Some(Value::GlucoseMgDl(140)));
        assert_eq!(reading("140mg/dL").ok(), Some(Value::GlucoseMgDl(140)));
        assert_eq!(weight("61.5").ok(), Some(615));
        assert!(weight("61.55").is_err());
        for text in ["", "150/", "/95", "7.85", "7.", "-1", "1e2", "a/b"] {
            assert!(reading(text).is_err(), "{text}");
        }
    }
}
