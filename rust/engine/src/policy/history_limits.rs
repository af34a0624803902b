//! Limits of histories.

/// Limits of a history: a run that exceeds one is terminated. 0 is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Events of one run.
    pub events: i64,
    /// Bytes of one run's encoded events.
    pub bytes: i64,
}

impl Default for HistoryLimits {
    /// The server's.
    fn default() -> Self {
        Self { events: 50 * 1024, bytes: 50 * 1024 * 1024 }
    }
}
