//! From an input, a string of bytes, to calls. Shared by the seeded run and by the one that is guided by
//! coverage (`fuzz/`), so that the two never drift apart.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_imports,
    clippy::default_trait_access,
    clippy::unnecessary_wraps,
    clippy::redundant_closure_for_method_calls,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, requests come from one module of generated types, and numbers \
              are made to be wrong"
)]

mod answers;
mod check;
mod live;
mod play;
mod requests;
mod scenario;
mod source;
#[path = "../../engine/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the engine's other tests")]
mod support;
mod wire;

pub(crate) use play::play;
