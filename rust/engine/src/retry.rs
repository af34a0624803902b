//! Retry policies: defaults, limits, and when the next attempt is.

use std::time::Duration;

use crate::proto::common::RetryPolicy;
use crate::proto::enums::{RetryState, TimeoutType};
use crate::proto::failure::{Failure, failure::FailureInfo};
use crate::proto::{from_duration, nanos, to_duration};

const DEFAULT_INITIAL: Duration = Duration::from_secs(1);
const DEFAULT_COEFFICIENT: f64 = 2.0;
const DEFAULT_MAXIMUM: u32 = 100;

/// Fill in what was left open, as the server does; or say what is wrong.
pub(crate) fn complete(policy: Option<RetryPolicy>) -> Result<RetryPolicy, String> {
    let mut policy = policy.unwrap_or_default();
    check(&policy)?;
    let initial = policy.initial_interval.as_ref().and_then(from_duration).unwrap_or_default();
    let initial = if initial.is_zero() { DEFAULT_INITIAL } else { initial };
    policy.initial_interval = Some(to_duration(initial));
    if policy.backoff_coefficient == 0.0 {
        policy.backoff_coefficient = DEFAULT_COEFFICIENT;
    }
    if nanos(policy.maximum_interval.as_ref()) == 0 {
        policy.maximum_interval = Some(to_duration(initial.saturating_mul(DEFAULT_MAXIMUM)));
    }
    Ok(policy)
}

fn check(policy: &RetryPolicy) -> Result<(), String> {
    let negative = |duration: Option<&prost_wkt_types::Duration>| {
        duration.is_some_and(|duration| from_duration(duration).is_none())
    };
    if negative(policy.initial_interval.as_ref()) {
        return Err("InitialInterval cannot be negative on retry policy.".into());
    }
    if policy.backoff_coefficient != 0.0 && policy.backoff_coefficient < 1.0 {
        return Err("BackoffCoefficient cannot be less than 1 on retry policy.".into());
    }
    if negative(policy.maximum_interval.as_ref()) {
        return Err("MaximumInterval cannot be negative on retry policy.".into());
    }
    let (initial, maximum) =
        (nanos(policy.initial_interval.as_ref()), nanos(policy.maximum_interval.as_ref()));
    if maximum != 0 && maximum < initial {
        return Err("MaximumInterval cannot be less than InitialInterval on retry policy.".into());
    }
    if policy.maximum_attempts < 0 {
        return Err("MaximumAttempts cannot be negative on retry policy.".into());
    }
    Ok(())
}

/// Whether a failure is of a kind that another attempt can help with.
pub(crate) fn is_retryable(policy: &RetryPolicy, failure: &Failure) -> bool {
    let listed = |name: &str| policy.non_retryable_error_types.iter().any(|listed| listed == name);
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => !info.non_retryable && !listed(&info.r#type),
        Some(FailureInfo::ServerFailureInfo(info)) => !info.non_retryable,
        Some(FailureInfo::TimeoutFailureInfo(info)) => match info.timeout_type() {
            TimeoutType::StartToClose => !listed("TemporalTimeout:StartToClose"),
            TimeoutType::Heartbeat => !listed("TemporalTimeout:Heartbeat"),
            _ => false,
        },
        Some(FailureInfo::CanceledFailureInfo(_) | FailureInfo::TerminatedFailureInfo(_)) => false,
        _ => true,
    }
}

/// How long to wait after `attempt` has failed at `now`; `Err`: there is no other attempt, and why.
/// `expiration` is the time (nanoseconds, 0 for none) after which none may begin.
pub(crate) fn next_delay(
    policy: &RetryPolicy,
    attempt: i32,
    failure: &Failure,
    now: i64,
    expiration: i64,
) -> Result<Duration, RetryState> {
    if !is_retryable(policy, failure) {
        return Err(RetryState::NonRetryableFailure);
    }
    if policy.maximum_attempts > 0 && attempt >= policy.maximum_attempts {
        return Err(RetryState::MaximumAttemptsReached);
    }
    let delay = asked_delay(failure).unwrap_or_else(|| backoff(policy, attempt));
    let due = now.saturating_add(i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX));
    if expiration != 0 && due >= expiration {
        return Err(RetryState::Timeout);
    }
    Ok(delay)
}

fn asked_delay(failure: &Failure) -> Option<Duration> {
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => {
            info.next_retry_delay.as_ref().and_then(from_duration)
        }
        _ => None,
    }
}

fn backoff(policy: &RetryPolicy, attempt: i32) -> Duration {
    let seconds = |duration: Option<&prost_wkt_types::Duration>| {
        duration.and_then(from_duration).unwrap_or_default().as_secs_f64()
    };
    let initial = seconds(policy.initial_interval.as_ref());
    let maximum = seconds(policy.maximum_interval.as_ref());
    let delay = initial * policy.backoff_coefficient.powi(attempt.saturating_sub(1));
    let delay = if maximum > 0.0 { delay.min(maximum) } else { delay };
    Duration::try_from_secs_f64(delay).unwrap_or(Duration::MAX)
}
