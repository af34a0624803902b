//! A durable, Temporal-compatible workflow engine on SQLite, in the process.
//!
//! The engine has no transport of its own: [`Engine::dispatch`] takes the name of an RPC and its
//! encoded request and gives the encoded response, as a gRPC server would. How it works inside is told
//! at the top of `engine.rs`.

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
pub use state::message::Call;
pub use status::{Code, RpcStatus};
pub use store::Synchronous;
