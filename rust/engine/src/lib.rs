//! A durable, Temporal-compatible workflow engine on SQLite, in the process.
//!
//! The engine has no transport of its own: [`Engine::dispatch`] takes the name of an RPC and its
//! encoded request and gives the encoded response, as a gRPC server would. How it works inside is told
//! at the top of `engine.rs`.

#![allow(deprecated, reason = "fields that older clients still fill in are kept for them")]

mod action;
mod attributes;
mod clock;
#[cfg(target_os = "linux")]
mod clock_watch;
mod command;
mod context;
mod cron;
mod deletion;
mod dispatch;
mod early;
mod engine;
mod error;
mod expiry;
mod filter;
mod finding;
mod firing;
mod history;
mod ids;
mod loading;
mod machine;
mod matching;
mod old_runs;
mod owed;
mod planted;
mod priority;
mod proto;
mod queries;
mod retry;
mod rpc;
mod run;
#[cfg(feature = "simulation")]
pub mod simulation;
mod status;
mod store;
mod task_timers;
mod time_skipping;
mod timers;
mod transaction;
mod turn;
mod update_failures;
mod updates;
mod volatile;
mod waiters;

pub use clock::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy, Timestamp};
pub use engine::{Call, Engine, EngineOptions, Synchronous};
pub use error::EngineError;
pub use status::{Code, RpcStatus};
