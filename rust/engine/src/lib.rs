//! A durable, Temporal-compatible workflow engine on SQLite, in the process.
//!
//! The engine has no transport of its own: [`Engine::dispatch`] takes the name of an RPC and its
//! encoded request and gives the encoded response, as a gRPC server would.

mod clock;
mod engine;
mod error;
mod status;

pub use clock::{Clock, Entropy, SeededEntropy, SystemClock, SystemEntropy, Timestamp};
pub use engine::{Call, Engine, EngineOptions, Synchronous};
pub use error::EngineError;
pub use status::{Code, RpcStatus};
