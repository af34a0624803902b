//! Event history: how it is encoded, kept and read.

pub(crate) mod causes;
pub(crate) mod event;
pub(crate) mod fragment;
pub(crate) mod page;
