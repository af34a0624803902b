//! Retry policies: defaults, limits, and when the next attempt is.

use std::time::Duration;

use crate::proto::common::RetryPolicy;
use crate::proto::enums::{RetryState, TimeoutType};
use crate::proto::failure::Failure;
use crate::proto::failure::failure::FailureInfo;
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

/// Tell whether a failure is of a kind that another attempt can help with.
pub(crate) fn is_retryable(policy: &RetryPolicy, failure: &Failure) -> bool {
    let listed = |name: &str| policy.non_retryable_error_types.iter().any(|listed| listed == name);
    match &failure.failure_info {
        Some(FailureInfo::ApplicationFailureInfo(info)) => {
            !info.non_retryable && !listed(&info.r#type)
        }
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

/// Compute the time to wait after `attempt` failed at `now`; `Err`: there is no other attempt, and why.
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
    let delay = delay(policy, attempt, failure);
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

/// Compute the time to wait after `attempt` failed.
pub(crate) fn delay(policy: &RetryPolicy, attempt: i32, failure: &Failure) -> Duration {
    asked_delay(failure).unwrap_or_else(|| backoff(policy, attempt))
}

/// Compute the time to wait after `attempt` failed, when the failure does not say.
pub(crate) fn backoff(policy: &RetryPolicy, attempt: i32) -> Duration {
    let seconds = |duration: Option<&prost_wkt_types::Duration>| {
        duration.and_then(from_duration).unwrap_or_default().as_secs_f64()
    };
    let initial = seconds(policy.initial_interval.as_ref());
    let maximum = seconds(policy.maximum_interval.as_ref());
    let delay = initial * policy.backoff_coefficient.powi(attempt.saturating_sub(1));
    let delay = if maximum > 0.0 { delay.min(maximum) } else { delay };
    Duration::try_from_secs_f64(delay).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::failure::{ApplicationFailureInfo, TimeoutFailureInfo};

    fn policy(maximum_attempts: i32) -> RetryPolicy {
        complete(Some(RetryPolicy { maximum_attempts, ..RetryPolicy::default() }))
            .unwrap_or_default()
    }

    fn application(kind: &str, non_retryable: bool) -> Failure {
        let info =
            ApplicationFailureInfo { r#type: kind.into(), non_retryable, ..Default::default() };
        Failure {
            failure_info: Some(FailureInfo::ApplicationFailureInfo(info)),
            ..Default::default()
        }
    }

    fn timeout(kind: TimeoutType) -> Failure {
        let info = TimeoutFailureInfo { timeout_type: kind.into(), ..Default::default() };
        Failure { failure_info: Some(FailureInfo::TimeoutFailureInfo(info)), ..Default::default() }
    }

    #[test]
    fn what_a_policy_leaves_open_is_filled_in() {
        let policy = policy(0);
        assert_eq!(nanos(policy.initial_interval.as_ref()), 1_000_000_000);
        assert_eq!(nanos(policy.maximum_interval.as_ref()), 100_000_000_000);
        assert!((policy.backoff_coefficient - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_policy_that_contradicts_itself_is_refused() {
        let second = Some(to_duration(Duration::from_secs(1)));
        let minute = Some(to_duration(Duration::from_mins(1)));
        let bad = [
            RetryPolicy { backoff_coefficient: 0.5, ..Default::default() },
            RetryPolicy { maximum_attempts: -1, ..Default::default() },
            RetryPolicy {
                initial_interval: minute,
                maximum_interval: second,
                ..Default::default()
            },
        ];
        for policy in bad {
            assert!(complete(Some(policy)).is_err());
        }
    }

    #[test]
    fn delays_double_up_to_the_maximum() {
        let delays = [1, 2, 3, 20].map(|attempt| {
            next_delay(&policy(0), attempt, &application("X", false), 0, 0)
                .map(|delay| delay.as_secs())
        });
        assert_eq!(delays, [Ok(1), Ok(2), Ok(4), Ok(100)]);
    }

    #[test]
    fn there_is_no_attempt_after_the_last_or_after_the_end_of_time() {
        let failure = application("X", false);
        assert_eq!(
            next_delay(&policy(3), 3, &failure, 0, 0),
            Err(RetryState::MaximumAttemptsReached)
        );
        assert_eq!(next_delay(&policy(0), 1, &failure, 0, 1_000_000_000), Err(RetryState::Timeout));
    }

    #[test]
    fn some_failures_are_not_worth_another_attempt() {
        let mut policy = policy(0);
        policy.non_retryable_error_types = vec!["Never".into(), "TemporalTimeout:Heartbeat".into()];
        assert!(is_retryable(&policy, &application("Other", false)));
        assert!(is_retryable(&policy, &timeout(TimeoutType::StartToClose)));
        for failure in [
            application("Never", false),
            application("Other", true),
            timeout(TimeoutType::Heartbeat),
            timeout(TimeoutType::ScheduleToStart),
            timeout(TimeoutType::ScheduleToClose),
        ] {
            assert!(!is_retryable(&policy, &failure));
        }
    }
}
