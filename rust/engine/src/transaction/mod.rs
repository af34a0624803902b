//! The engine's state and what is done with it: all of `impl Context`.
//!
//! A call is handled as a whole or not at all, and what it did is committed together with that of other
//! calls. What a run goes through by itself is in [`crate::machine`].

pub(crate) mod activity_tasks;
pub(crate) mod commit;
pub(crate) mod context;
pub(crate) mod deletion;
pub(crate) mod effects;
pub(crate) mod expiry;
pub(crate) mod lookup;
pub(crate) mod matching;
pub(crate) mod old_runs;
pub(crate) mod pages;
pub(crate) mod precommit;
pub(crate) mod queries;
pub(crate) mod reset;
pub(crate) mod retry_list;
pub(crate) mod runs;
pub(crate) mod standalone_answers;
pub(crate) mod start;
pub(crate) mod task_timers;
pub(crate) mod time_skipping;
pub(crate) mod timers;
pub(crate) mod update_answers;
pub(crate) mod updates;
pub(crate) mod waiters;
pub(crate) mod worker_gone;
pub(crate) mod workflow_tasks;
