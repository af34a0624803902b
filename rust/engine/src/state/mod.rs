//! Plain data of the engine: runs in memory, queues, timers, and answers on their way.

pub(crate) mod lease;
pub(crate) mod reply;
pub(crate) mod run;
pub(crate) mod task_queues;
pub(crate) mod timers;
