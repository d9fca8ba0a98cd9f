//! Business dates, instants and parts of the day, in the chain's time zone.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Timelike, Utc};
use chrono_tz::Tz;

use crate::rules::TimeZone;

/// A name that is no time zone of this build: Asia's and UTC (docs/adr/0101-library-size.md).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone `{0}`, expected an IANA name of Asia such as Asia/Shanghai")]
pub struct UnknownTimeZone(pub String);

/// The chain's calendar: turns instants into business dates and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
}

impl Calendar {
    /// The calendar of a time zone.
    pub fn new(zone: &TimeZone) -> Result<Self, UnknownTimeZone> {
        zone.0
            .parse()
            .map(|zone| Self { zone })
            .map_err(|_| UnknownTimeZone(zone.0.clone()))
    }

    /// The civil date and time of an instant; instants out of range fall on the epoch.
    pub fn local(self, at_ms: i64) -> NaiveDateTime {
        DateTime::<Utc>::from_timestamp_millis(at_ms)
            .unwrap_or_default()
            .with_timezone(&self.zone)
            .naive_local()
    }

    /// The business date of an instant.
    pub fn day(self, at_ms: i64) -> NaiveDate {
        self.local(at_ms).date()
    }

    /// The hour (0..=23) of an instant.
    pub fn hour(self, at_ms: i64) -> u32 {
        self.local(at_ms).hour()
    }

    /// The instant of a civil date and time. In a gap of the clocks the next instant that exists,
    /// in a fold the earlier one.
    pub fn instant_ms(self, local: NaiveDateTime) -> i64 {
        (0..=3)
            .find_map(|hours| {
                self.zone
                    .from_local_datetime(&(local + TimeDelta::hours(hours)))
                    .earliest()
            })
            .map_or_else(|| local.and_utc().timestamp_millis(), |at| at.timestamp_millis())
    }

    /// The instant at which a business date begins.
    pub fn day_start_ms(self, day: NaiveDate) -> i64 {
        self.instant_ms(day.and_time(chrono::NaiveTime::MIN))
    }
}

/// Days since 1970-01-01, the form of a date in SQL.
pub fn day_number(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

/// The date of a day number; numbers out of range give the nearest date.
pub fn from_day_number(number: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(number).unwrap_or(if number < 0 {
        NaiveDate::MIN
    } else {
        NaiveDate::MAX
    })
}

/// Whether a day number lies in the period of so many days that ends with and includes `as_of`.
pub fn is_in_window(day: i32, as_of: NaiveDate, window_days: i64) -> bool {
    (0..window_days).contains(&(i64::from(day_number(as_of)) - i64::from(day)))
}

/// The day on which a birthday falls in a year: 29 February falls on the 28th in common years.
pub fn birthday_in(birthday: NaiveDate, year: i32) -> NaiveDate {
    birthday
        .with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, 2, 28))
        .unwrap_or(birthday)
}

/// Completed years on a day; none before birth.
pub fn age_on(birthday: NaiveDate, as_of: NaiveDate) -> Option<i32> {
    if as_of < birthday {
        return None;
    }
    let years = as_of.year() - birthday.year();
    Some(if birthday_in(birthday, as_of.year()) > as_of {
        years - 1
    } else {
        years
    })
}

/// Days from `as_of` to the next birthday, 0 on the day itself.
pub fn days_to_birthday(birthday: NaiveDate, as_of: NaiveDate) -> i64 {
    let this_year = birthday_in(birthday, as_of.year());
    let next = if this_year >= as_of {
        this_year
    } else {
        birthday_in(birthday, as_of.year() + 1)
    };
    (next - as_of).num_days()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn business_date_follows_the_chains_zone() {
        let calendar = Calendar::new(&TimeZone::default()).unwrap();
        let midnight = calendar.day_start_ms(day("2026-03-01"));
        assert_eq!(calendar.day(midnight), day("2026-03-01"));
        assert_eq!(calendar.day(midnight - 1), day("2026-02-28"));
        assert_eq!(calendar.hour(midnight + 9 * 3_600_000), 9);
    }

    #[test]
    fn leap_birthday_falls_on_the_28th_in_common_years() {
        let leap = day("2000-02-29");
        assert_eq!(days_to_birthday(leap, day("2023-02-28")), 0);
        assert_eq!(days_to_birthday(leap, day("2024-02-28")), 1);
        assert_eq!(age_on(leap, day("2023-02-27")), Some(22));
        assert_eq!(age_on(leap, day("2023-02-28")), Some(23));
        assert_eq!(age_on(leap, day("1999-12-31")), None);
    }

    #[test]
    fn day_numbers_go_both_ways() {
        for text in ["1970-01-01", "1969-12-31", "2000-02-29", "2026-11-22"] {
            assert_eq!(from_day_number(day_number(day(text))), day(text));
        }
    }

    #[test]
    fn a_window_ends_with_and_includes_its_day() {
        let as_of = day("2026-03-10");
        let inside = |text: &str| is_in_window(day_number(day(text)), as_of, 10);
        assert!(inside("2026-03-10") && inside("2026-03-01"));
        assert!(!inside("2026-03-11") && !inside("2026-02-28"));
    }

    #[test]
    fn zones_of_asia_are_known_and_others_named() {
        let of = |name: &str| Calendar::new(&TimeZone(name.into()));
        for name in ["Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "UTC"] {
            assert!(of(name).is_ok(), "{name}");
        }
        for name in ["Mars/Base", "Europe/Berlin", "asia/shanghai", ""] {
            assert!(of(name).unwrap_err().to_string().contains(name), "{name}");
        }
    }
}
