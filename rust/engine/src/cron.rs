//! Cron schedules: when a workflow that runs again and again runs next.
//!
//! Five fields (minute, hour, day of the month, month, day of the week), the usual names such as
//! `@daily`, and `@every 90s`. All times are UTC.

use std::time::Duration;

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
    At(Fields),
}

/// One bit for each value that fits.
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

/// Why a schedule can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The server's message for what nobody can read.
    Unreadable,
    /// It has a time zone other than UTC.
    TimeZone,
}

impl Schedule {
    /// Read a schedule.
    pub(crate) fn parse(text: &str) -> Result<Self, Unusable> {
        let text = in_utc(text.trim())?;
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => match other.strip_prefix("@every ") {
                Some(period) => {
                    let period = seconds(period.trim()).ok_or(Unusable::Unreadable)?;
                    return Ok(Self::Every(period.max(1)));
                }
                None => other,
            },
        };
        Fields::parse(fields).map(Self::At).ok_or(Unusable::Unreadable)
    }

    /// How long after `now` the next run is, when the last was meant for `last`; both are nanoseconds
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
            Self::At(fields) => fields.next(now.max(last).div_euclid(60 * SECOND))? * 60 * SECOND,
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
    let schedule = Schedule::parse(text).map_err(|unusable| match unusable {
        Unusable::Unreadable => RpcStatus::invalid_argument("invalid CronSchedule."),
        Unusable::TimeZone => RpcStatus::unimplemented(
            "the embedded engine does not support time zones in cron schedules yet",
        ),
    })?;
    schedule.backoff(0, 0).map(drop).ok_or_else(|| {
        let message = "invalid CronSchedule, no time can be found to satisfy the schedule";
        RpcStatus::invalid_argument(message)
    })
}

/// Nanoseconds from the start of a workflow to its first run by the schedule; `None` without one.
pub(crate) fn first_backoff(text: &str, now: i64) -> Option<i64> {
    let backoff = Schedule::parse(text).ok().filter(|_| !text.is_empty())?.backoff(now, now)?;
    i64::try_from(backoff.as_nanos()).ok()
}

/// The schedule without its time zone, which can only be UTC.
fn in_utc(text: &str) -> Result<&str, Unusable> {
    let zoned = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
    let Some(zoned) = zoned else { return Ok(text) };
    let (zone, rest) = zoned.split_once(' ').ok_or(Unusable::Unreadable)?;
    if ["UTC", "Etc/UTC", ""].contains(&zone) { Ok(rest.trim()) } else { Err(Unusable::TimeZone) }
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

    /// The first minute after `minute` that fits, both since 1970.
    fn next(&self, minute: i64) -> Option<i64> {
        let first = minute + 1;
        let today = first.div_euclid(MINUTES_PER_DAY);
        for day in today..=today + HORIZON_DAYS {
            if !self.has_day(day) {
                continue;
            }
            let from = if day == today { first.rem_euclid(MINUTES_PER_DAY) } else { 0 };
            let fits = |at: &i64| has(self.hours, at / 60) && has(self.minutes, at % 60);
            if let Some(at) = (from..MINUTES_PER_DAY).find(fits) {
                return Some(day * MINUTES_PER_DAY + at);
            }
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
        let schedule = Schedule::parse(text).unwrap_or(Schedule::Every(0));
        schedule.backoff(NOW, NOW).map(|backoff| backoff.as_secs())
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

    #[test]
    fn a_period_counts_from_the_last_run_and_skips_what_was_missed() {
        let every = Schedule::parse("@every 1m30s");
        assert_eq!(every, Ok(Schedule::Every(90)));
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
            assert_eq!(Schedule::parse(text), Err(Unusable::Unreadable), "{text}");
        }
        for text in ["@every 1x", "@every ", "* * * * 7", "* * * foo *"] {
            assert_eq!(Schedule::parse(text), Err(Unusable::Unreadable), "{text}");
        }
        let zoned = Schedule::parse("CRON_TZ=Europe/Berlin 0 12 * * *");
        assert_eq!(zoned, Err(Unusable::TimeZone));
    }

    #[test]
    fn a_day_that_never_comes_has_no_next_time() {
        assert_eq!(next("0 0 31 2 *"), None);
    }
}
