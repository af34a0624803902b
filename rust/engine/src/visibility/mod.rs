//! Finding runs: search attributes, and the language of lists and counts.

pub(crate) mod attributes;
pub(crate) mod filter;
