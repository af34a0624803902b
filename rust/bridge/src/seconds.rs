//! Durations and instants: protobuf's nanoseconds against Python's microseconds and floats.

use prost_wkt_types::{Duration, Timestamp};
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyFloat, PyInt},
};

use crate::error::{Failure, Outcome};

const NANOS: i64 = 1_000_000_000;

struct Classes {
    timedelta: Py<PyAny>,
    datetime: Py<PyAny>,
    /// 1970-01-01, aware.
    epoch: Py<PyAny>,
}

fn classes(py: Python<'_>) -> PyResult<&Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let datetime = module.getattr("datetime")?;
        let epoch = datetime.call1((1970, 1, 1, 0, 0, 0, 0, utc))?;
        Ok(Classes {
            timedelta: module.getattr("timedelta")?.unbind(),
            datetime: datetime.unbind(),
            epoch: epoch.unbind(),
        })
    })
}

/// A `timedelta`, to the microsecond.
pub(crate) fn to_timedelta<'py>(
    py: Python<'py>,
    duration: &Duration,
) -> PyResult<Bound<'py, PyAny>> {
    let class = classes(py)?.timedelta.bind(py);
    class.call1((0, duration.seconds, duration.nanos / 1_000))
}

/// An aware `datetime` in UTC, to the microsecond.
pub(crate) fn to_datetime<'py>(py: Python<'py>, at: &Timestamp) -> PyResult<Bound<'py, PyAny>> {
    let classes = classes(py)?;
    let since = classes.timedelta.bind(py).call1((0, at.seconds, at.nanos / 1_000))?;
    classes.epoch.bind(py).add(since)
}

fn parts(delta: &Bound<'_, PyAny>) -> PyResult<(i64, i32)> {
    let days: i64 = delta.getattr("days")?.extract()?;
    let seconds: i64 = delta.getattr("seconds")?.extract()?;
    let micros: i64 = delta.getattr("microseconds")?.extract()?;
    Ok(normal(i128::from(days * 86_400 + seconds) * i128::from(NANOS) + i128::from(micros) * 1_000))
}

/// Seconds and nanoseconds of one sign, as protobuf wants them.
fn normal(nanos: i128) -> (i64, i32) {
    let seconds = i64::try_from(nanos / i128::from(NANOS)).unwrap_or(i64::MAX);
    let rest = i32::try_from(nanos % i128::from(NANOS)).unwrap_or(0);
    (seconds, rest)
}

/// A `timedelta`, or a number of seconds, as a duration.
pub(crate) fn duration_from(value: &Bound<'_, PyAny>) -> Outcome<Duration> {
    let py = value.py();
    let refuse = || Failure::bad_argument("expected a timedelta or seconds as a float");
    let number = value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyInt>();
    if number && !value.is_instance_of::<PyBool>() {
        let seconds: f64 = value.extract().map_err(|_| refuse())?;
        return float_duration(seconds);
    }
    let class = classes(py).map_err(|_| refuse())?.timedelta.bind(py);
    if !value.is_instance(class).unwrap_or(false) {
        return Err(refuse());
    }
    let (seconds, nanos) = parts(value).map_err(|_| refuse())?;
    Ok(Duration { seconds, nanos })
}

/// A float of seconds, rounded to the microsecond: a float of a date's size has no more.
fn float_duration(seconds: f64) -> Outcome<Duration> {
    // What protobuf allows: ten thousand years either way.
    if !seconds.is_finite() || seconds.abs() > 315_576_000_000.0 {
        return Err(Failure::bad_argument(format!("{seconds} seconds is out of range")));
    }
    #[allow(clippy::cast_possible_truncation)] // in range, as checked
    let micros = (seconds * 1_000_000.0).round() as i128;
    let (seconds, nanos) = normal(micros * 1_000);
    Ok(Duration { seconds, nanos })
}

/// An aware `datetime` as a timestamp.
pub(crate) fn timestamp_from(value: &Bound<'_, PyAny>) -> Outcome<Timestamp> {
    let py = value.py();
    let refuse = || Failure::bad_argument("expected an aware datetime");
    let classes = classes(py).map_err(|_| refuse())?;
    if !value.is_instance(classes.datetime.bind(py)).unwrap_or(false) {
        return Err(refuse());
    }
    // Subtracting from an aware datetime fails for a naive one.
    let since = value.sub(classes.epoch.bind(py)).map_err(|_| refuse())?;
    let (seconds, nanos) = parts(&since).map_err(|_| refuse())?;
    // Protobuf counts nanoseconds forwards, also before 1970.
    let (seconds, nanos) =
        if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) };
    Ok(Timestamp { seconds, nanos })
}

/// An optional keyword that is a duration; the error names it.
pub(crate) fn optional_duration(
    name: &str,
    value: Option<&Bound<'_, PyAny>>,
) -> Outcome<Option<Duration>> {
    value.map(|value| duration_from(value).map_err(|why| named(name, &why))).transpose()
}

/// A keyword that is a duration; the error names it.
pub(crate) fn required_duration(name: &str, value: &Bound<'_, PyAny>) -> Outcome<Duration> {
    duration_from(value).map_err(|why| named(name, &why))
}

fn named(name: &str, why: &Failure) -> Failure {
    Failure::bad_argument(format!("{name}: {}", why.message))
}

/// Nanoseconds since the epoch.
pub(crate) fn to_nanos(at: Option<&Timestamp>) -> i64 {
    at.map_or(0, |at| at.seconds * NANOS + i64::from(at.nanos))
}

/// A float of seconds since the epoch.
#[allow(clippy::cast_precision_loss)] // what `time.time()` is
pub(crate) fn nanos_to_float(nanos: i64) -> f64 {
    let (seconds, rest) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
    seconds as f64 + rest as f64 / 1e9
}
