//! A durable, Temporal-compatible workflow engine on SQLite, in the process.
//!
//! The engine has no transport of its own: [`Engine::dispatch`] takes the name of an RPC and its
//! encoded request and gives the encoded response, as a gRPC server would. How it works inside is told
//! at the top of `engine.rs`.
//!
//! # Floors
//!
//! Imports go down only (`tests/test_floors.py` holds that). From the top:
//!
//! * [`engine`]: the handle; [`event_loop`]: the engine's one thread, which turns calls and timers into
//!   transactions
//! * [`service`]: every RPC; `service/dispatch.rs` is the table of them
//! * [`transaction`]: `Context`: a call as a whole or not at all, and all that concerns more than one run
//! * [`command`]: what a workflow decides, one command per file
//! * [`machine`]: what becomes of one run: pure over a run and an `Env`, never sees `Context`
//! * [`state`]: plain data in memory: runs, timers, task queues, callers that wait
//! * [`history`], [`store`], [`visibility`], [`policy`], [`clock`]: encoded histories; SQLite; finding
//!   runs; retries, schedules, priorities and limits; time
//! * [`proto`], [`ids`], [`status`], [`error`], [`mutation`]: names that everything uses

#![allow(rustdoc::private_intra_doc_links, reason = "the floors are for those who work on them")]
#![allow(deprecated, reason = "fields that older clients still fill in are kept for them")]

mod clock;
mod command;
mod engine;
mod error;
mod event_loop;
mod history;
mod ids;
mod machine;
mod mutation;
mod policy;
mod proto;
mod service;
#[cfg(feature = "simulation")]
pub mod simulation;
mod state;
mod status;
mod store;
mod transaction;
mod visibility;

pub use clock::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy, Timestamp};
pub use engine::{Engine, EngineOptions};
pub use error::EngineError;
pub use policy::HistoryLimits;
pub use state::message::Call;
pub use status::{Code, DATABASE_FAILURE, RpcStatus};
pub use store::Synchronous;
