//! Which tasks of a queue come first.

use crate::proto::common::Priority;

/// The last of the levels; the first is 1.
const LEVELS: i32 = 5;

/// The level of a task without a priority.
const MIDDLE: i32 = 3;

/// Bytes that a fairness key may have.
const FAIRNESS_KEY: usize = 64;

/// Merge two priorities: fields that `own` leaves open are as in `base`: an activity's as its
/// workflow's, a child's as its parent's.
pub(crate) fn merge(base: Option<&Priority>, own: Option<&Priority>) -> Option<Priority> {
    let (Some(base), Some(own)) = (base, own) else { return own.or(base).cloned() };
    let or = |own: i32, base: i32| if own == 0 { base } else { own };
    Some(Priority {
        priority_key: or(own.priority_key, base.priority_key),
        fairness_key: if own.fairness_key.is_empty() {
            base.fairness_key.clone()
        } else {
            own.fairness_key.clone()
        },
        fairness_weight: if own.fairness_weight == 0.0 {
            base.fairness_weight
        } else {
            own.fairness_weight
        },
    })
}

/// Tasks of a lower level come first.
pub(crate) fn level(priority: Option<&Priority>) -> i32 {
    match priority.map_or(0, |priority| priority.priority_key) {
        0 => MIDDLE,
        key => key.clamp(1, LEVELS),
    }
}

/// Refuse what is no priority.
pub(crate) fn check(priority: Option<&Priority>) -> Result<(), String> {
    let Some(priority) = priority else { return Ok(()) };
    if priority.priority_key < 0 {
        return Err("priority key can't be negative".into());
    }
    if priority.fairness_key.len() > FAIRNESS_KEY {
        return Err("fairness key length exceeds limit".into());
    }
    if priority.fairness_weight < 0.0 {
        return Err("fairness weight can't be negative".into());
    }
    Ok(())
}
