//! Plain data of the engine: runs in memory, queues, timers, and answers on their way.

pub(crate) mod changes;
pub(crate) mod effect;
pub(crate) mod env;
pub(crate) mod evicted;
pub(crate) mod lease;
pub(crate) mod message;
pub(crate) mod precommit;
pub(crate) mod queries;
pub(crate) mod reply;
pub(crate) mod retry_list;
pub(crate) mod run;
pub(crate) mod task_queues;
pub(crate) mod time_skipping;
pub(crate) mod timers;
pub(crate) mod updates;
pub(crate) mod waiters;
