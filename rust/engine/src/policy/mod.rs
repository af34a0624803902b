//! Rules that need nothing but their arguments: when to retry, when a schedule is due, who comes first.

pub(crate) mod cron;
mod history_limits;
pub(crate) mod limits;
pub(crate) mod priority;
pub(crate) mod retry;

pub use history_limits::HistoryLimits;
