//! What the tests share: an engine with a clock they move, a worker they drive by hand.

pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod logs;
pub(crate) mod manual;
pub(crate) mod server;
pub(crate) mod standalone;
pub(crate) mod time_skipping;
pub(crate) mod update;
pub(crate) mod values;
pub(crate) mod worker;

pub(crate) use server::Server;
