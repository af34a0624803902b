//! Cron schedules: when a workflow that runs again and again runs next.
//!
//! Five fields (minute, hour, day of the month, month, day of the week), the usual names such as
//! `@daily`, and `@every 90s`. Times are UTC, or of the zone that `CRON_TZ=Europe/Berlin` names in
//! front; where clocks are set forward, a time that does not come is left out, and where they are set
//! back, one that comes twice is taken twice, as the server does it. The zones are built in.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::RpcStatus;

const SECOND: i64 = 1_000_000_000;

const MINUTES_PER_DAY: i64 = 24 * 60;

/// A schedule that names no day in this time names none: five years, as the server has it.
const HORIZON_DAYS: i64 = 5 * 366;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// Again after this many seconds.
    Every(i64),
    /// When the fields fit what clocks show there.
    At(Fields, TimeZone),
}

/// A set of values: a bit for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// A day fits when both kinds of day do: one of them was left open.
    both_days: bool,
}

impl Schedule {
    /// Read a schedule; `None`: nobody can.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (zone, text) = split_zone(text.trim())?;
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => match other.strip_prefix("@every ") {
                Some(period) => {
                    let period = seconds(period.trim())?;
                    return Some(Self::Every(period.max(1)));
                }
                None => other,
            },
        };
        Some(Self::At(Fields::parse(fields)?, zone))
    }

    /// The time from `now` to the next run, when the last was meant for `last`; both are nanoseconds
    /// since 1970. In whole seconds. `None`: never.
    pub(crate) fn backoff(&self, last: i64, now: i64) -> Option<Duration> {
        let next = match self {
            Self::Every(period) => {
                let period = period.saturating_mul(SECOND);
                let passed = now.saturating_sub(last).max(0) / period;
                let next = last.saturating_add(period.saturating_mul(passed));
                // One is due right now only if it has not just been.
                if next > last && next >= now { next } else { next.saturating_add(period) }
            }
            Self::At(fields, zone) => {
                fields.next(now.max(last).div_euclid(60 * SECOND), zone)? * 60 * SECOND
            }
        };
        let nanos = u64::try_from(next.saturating_sub(now)).ok()?;
        Some(Duration::from_secs(nanos.div_ceil(1_000_000_000)))
    }
}

/// Refuse a schedule that can't be used; none at all is fine.
pub(crate) fn check(text: &str) -> Result<(), RpcStatus> {
    if text.is_empty() {
        return Ok(());
    }
    let schedule = Schedule::parse(text)
        .ok_or_else(|| RpcStatus::invalid_argument("invalid CronSchedule."))?;
    schedule.backoff(0, 0).map(drop).ok_or_else(|| {
        let message = "invalid CronSchedule, no time can be found to satisfy the schedule";
        RpcStatus::invalid_argument(message)
    })
}

/// Nanoseconds from the start of a workflow to its first run by the schedule; `None` without one.
pub(crate) fn first_backoff(text: &str, now: i64) -> Option<i64> {
    let backoff = Schedule::parse(text)?.backoff(now, now)?;
    i64::try_from(backoff.as_nanos()).ok()
}

/// The time zone, and the schedule without it.
fn split_zone(text: &str) -> Option<(TimeZone, &str)> {
    let zoned = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
    let Some(zoned) = zoned else { return Some((TimeZone::UTC, text)) };
    let (name, rest) = zoned.split_once(' ')?;
    let zone = match name {
        "" | "UTC" | "Local" => TimeZone::UTC, // a server is in UTC
        _ => {
            let zone = TimeZoneDatabase::bundled().get(name).ok()?;
            // The server tells upper from lower case.
            (zone.iana_name() == Some(name)).then_some(zone)?
        }
    };
    Some((zone, rest.trim()))
}

/// The local time of a zone, in minutes since 1970, at a minute of UTC.
fn local(zone: &TimeZone, minute: i64) -> Option<i64> {
    let at = Timestamp::from_second(minute.checked_mul(60)?).ok()?;
    Some(minute + i64::from(zone.to_offset(at).seconds()).div_euclid(60))
}

/// A duration as Go writes it, `1h30m`, in whole seconds.
fn seconds(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    (!text.is_empty())
        .then(|| i64::try_from(Duration::try_from_secs_f64(total).ok()?.as_secs()).ok())?
}

impl Fields {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        let open = |field: &str| field.split(',').any(|part| part.starts_with(['*', '?']));
        Some(Self {
            minutes: bits(minutes, 0, 59, &[])?,
            hours: bits(hours, 0, 23, &[])?,
            days: bits(days, 1, 31, &[])?,
            months: bits(months, 1, 12, &MONTHS)?,
            weekdays: bits(weekdays, 0, 6, &DAYS)?,
            both_days: open(days) || open(weekdays),
        })
    }

    /// The first minute after `minute` at which clocks there show one that fits; in UTC, since 1970.
    fn next(&self, minute: i64, zone: &TimeZone) -> Option<i64> {
        let mut at = minute + 1;
        let end = at + HORIZON_DAYS * MINUTES_PER_DAY;
        while at < end {
            let shown = local(zone, at)?;
            let (day, hour) =
                (shown.div_euclid(MINUTES_PER_DAY), shown.rem_euclid(MINUTES_PER_DAY) / 60);
            let hour_fits = has(self.hours, hour) && self.has_day(day);
            if hour_fits && has(self.minutes, shown.rem_euclid(60)) {
                return Some(at);
            }
            // Hours and days begin, and clocks are set, at quarters of an hour of UTC.
            at = if hour_fits { at + 1 } else { (at.div_euclid(15) + 1) * 15 };
        }
        None
    }

    fn has_day(&self, day: i64) -> bool {
        let (month, of_month) = month_and_day(day);
        let by_date = has(self.days, of_month);
        let by_name = has(self.weekdays, (day + 4).rem_euclid(7)); // 1970 began on a Thursday
        let day = if self.both_days { by_date && by_name } else { by_date || by_name };
        has(self.months, month) && day
    }
}

fn has(bits: u64, value: i64) -> bool {
    (bits >> value) & 1 == 1
}

/// The values of a field: `*`, `7`, `1-5`, `*/15`, `10-50/10`, names, and lists of those.
fn bits(field: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let value = |text: &str| -> Option<u32> {
        match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            Some(at) => Some(u32::try_from(at).ok()? + low),
            None => text.parse().ok(),
        }
    };
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || range == "?" => (low, high),
            Some((from, to)) => (value(from)?, value(to)?),
            None => {
                let from = value(range)?;
                (from, if step.is_some() { high } else { from })
            }
        };
        if from < low || to > high || from > to {
            return None;
        }
        for at in (from..=to).step_by(usize::try_from(step.unwrap_or(1)).ok()?) {
            bits |= 1 << at;
        }
    }
    Some(bits)
}

/// Month (from 1) and day of the month (from 1) of a day since 1970, in the Gregorian calendar.
fn month_and_day(day: i64) -> (i64, i64) {
    // Years are counted from March, so that the leap day is the last of its year.
    let day = day + 719_468;
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-14T22:13:20Z, a Tuesday.
    const NOW: i64 = 1_700_000_000 * SECOND;

    /// Seconds from `NOW` to the next run.
    fn next(text: &str) -> Option<u64> {
        Schedule::parse(text)?.backoff(NOW, NOW).map(|backoff| backoff.as_secs())
    }

    #[test]
    fn the_next_time_is_the_first_that_fits_every_field() {
        let day = 24 * 3600;
        let midnight = 3600 + 46 * 60 + 40;
        for (text, expected) in [
            ("* * * * *", 40),
            ("*/5 * * * *", 100),
            ("14-59/10 * * * *", 40),
            ("0 * * * *", 46 * 60 + 40),
            ("@hourly", 46 * 60 + 40),
            ("@daily", midnight),
            ("CRON_TZ=UTC 0 0 * * *", midnight),
            ("0 0 * * wed", midnight),
            ("0 0 * * TUE", midnight + 6 * day),
            ("0 0 1 * *", midnight + 16 * day),
            ("0 0 16 * fri", midnight + day),
            ("0 0 */2 * fri", midnight + 2 * day),
            ("0 0 29 feb ?", midnight + 106 * day),
            ("@yearly", midnight + 47 * day),
            ("5,15 22 * * *", 100),
        ] {
            assert_eq!(next(text), Some(expected), "{text}");
        }
    }

    /// Results of the server's library (robfig/cron 3.0.1): schedule, after, next.
    const ZONED: &[(&str, &str, &str)] = &[
        ("Europe/Berlin 0 9 * * *", "2023-11-14T22:13:20Z", "2023-11-15T08:00:00Z"),
        ("Europe/Berlin 0 9 * * *", "2023-07-14T22:13:20Z", "2023-07-15T07:00:00Z"),
        ("America/New_York 0 9 * * mon", "2023-11-14T22:13:20Z", "2023-11-20T14:00:00Z"),
        ("Asia/Kathmandu 0 0 * * *", "2023-11-14T22:13:20Z", "2023-11-15T18:15:00Z"),
        ("Europe/Berlin @daily", "2023-11-14T22:13:20Z", "2023-11-14T23:00:00Z"),
        ("America/New_York 0 0 29 feb *", "2023-11-14T22:13:20Z", "2024-02-29T05:00:00Z"),
        ("EST 0 9 * * *", "2023-11-14T22:13:20Z", "2023-11-15T14:00:00Z"),
        ("Local 0 9 * * *", "2023-11-14T22:13:20Z", "2023-11-15T09:00:00Z"),
        (" 0 9 * * *", "2023-11-14T22:13:20Z", "2023-11-15T09:00:00Z"),
        ("Europe/Berlin @every 90s", "2023-11-14T22:13:20Z", "2023-11-14T22:14:50Z"),
        // Clocks are set forward: 02:30 does not come, at 03:00 it is 01:00 UTC.
        ("Europe/Berlin 30 2 * * *", "2023-03-25T00:00:00Z", "2023-03-25T01:30:00Z"),
        ("Europe/Berlin 30 2 * * *", "2023-03-25T12:00:00Z", "2023-03-27T00:30:00Z"),
        ("Europe/Berlin 0 3 * * *", "2023-03-25T12:00:00Z", "2023-03-26T01:00:00Z"),
        ("Europe/Berlin 0 * * * *", "2023-03-26T00:00:00Z", "2023-03-26T01:00:00Z"),
        // Clocks are set back: 02:30 comes twice.
        ("Europe/Berlin 30 2 * * *", "2023-10-28T12:00:00Z", "2023-10-29T00:30:00Z"),
        ("Europe/Berlin 30 2 * * *", "2023-10-29T00:30:00Z", "2023-10-29T01:30:00Z"),
        ("Europe/Berlin 30 2 * * *", "2023-10-29T01:30:00Z", "2023-10-30T01:30:00Z"),
        ("Europe/Berlin 0 * * * *", "2023-10-29T00:00:00Z", "2023-10-29T01:00:00Z"),
        // A midnight that does not come.
        ("America/Sao_Paulo 0 0 * * sun", "2018-11-03T12:00:00Z", "2018-11-11T02:00:00Z"),
        ("America/Sao_Paulo 0 0 * * *", "2018-11-03T12:00:00Z", "2018-11-05T02:00:00Z"),
        ("America/Sao_Paulo 30 1 * * sun", "2018-11-03T12:00:00Z", "2018-11-04T03:30:00Z"),
        ("Asia/Beirut 0 0 * * *", "2027-03-27T12:00:00Z", "2027-03-28T21:00:00Z"),
        // By half an hour.
        ("Australia/Lord_Howe 15 2 * * *", "2023-09-30T12:00:00Z", "2023-10-01T15:15:00Z"),
        ("Australia/Lord_Howe 45 1 * * *", "2023-04-01T12:00:00Z", "2023-04-01T14:45:00Z"),
        ("Australia/Lord_Howe 45 1 * * *", "2023-04-01T14:45:00Z", "2023-04-01T15:15:00Z"),
    ];

    #[test]
    fn a_schedule_of_a_zone_goes_by_what_clocks_show_there() {
        let second = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_second).ok();
        for (text, after, expected) in ZONED {
            let after = second(after).unwrap_or_default();
            let backoff = ["CRON_TZ=", "TZ="].map(|prefix| {
                let schedule = Schedule::parse(&format!("{prefix}{text}"))?;
                let backoff = schedule.backoff(after * SECOND, after * SECOND)?;
                i64::try_from(backoff.as_secs()).ok()
            });
            let expected = second(expected).map(|expected| expected - after);
            assert_eq!(backoff, [expected; 2], "{text} after {after}");
        }
    }

    #[test]
    fn a_period_counts_from_the_last_run_and_skips_what_was_missed() {
        let every = Schedule::parse("@every 1m30s");
        assert_eq!(every, Some(Schedule::Every(90)));
        let backoff = |last: i64, now: i64| {
            let schedule = Schedule::Every(90);
            schedule.backoff(last * SECOND, now * SECOND).map(|backoff| backoff.as_secs())
        };
        assert_eq!(backoff(1000, 1000), Some(90));
        assert_eq!(backoff(1000, 1030), Some(60));
        assert_eq!(backoff(1000, 1200), Some(70));
        assert_eq!(next("@every 0s"), Some(1), "a second at least");
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for text in ["", "bogus", "* * *", "60 * * * *", "0 0 0 * *", "*/0 * * * *", "5-1 * * * *"]
        {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
        for text in ["@every 1x", "@every ", "* * * * 7", "* * * foo *"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
        for zone in ["Mars/Olympus", "europe/berlin", "Europe/Berlin"] {
            let text = format!("CRON_TZ={zone}");
            assert_eq!(Schedule::parse(&text), None, "{text} and nothing else");
        }
        assert_eq!(Schedule::parse("CRON_TZ=Mars/Olympus 0 9 * * *"), None);
        assert_eq!(Schedule::parse("CRON_TZ=europe/berlin 0 9 * * *"), None);
    }

    #[test]
    fn a_day_that_never_comes_has_no_next_time() {
        assert_eq!(next("0 0 31 2 *"), None);
    }
}
