//! Limits of the server: sizes of values, lengths of names.

use prost::Message;

use crate::proto::{common, from_duration};

/// Names and ids that are longer than this are refused.
pub(crate) const NAME_LIMIT: usize = 1000;

/// Refuse a time that is negative. `rest` is what the server says besides, if anything.
pub(crate) fn check_time(
    time: Option<&prost_wkt_types::Duration>,
    what: &str,
    rest: &str,
) -> Result<(), String> {
    if time.is_some_and(|time| from_duration(time).is_none()) {
        let stop = if rest.is_empty() { "" } else { "." };
        return Err(format!("{what}: negative duration{stop}{rest}"));
    }
    Ok(())
}

/// A row's size of a payload that may be stored: the server's limit.
pub(crate) const BLOB_LIMIT: usize = 2 * 1024 * 1024;

/// Refuse what is larger than the server's limit, and name it.
pub(crate) fn check_size(payloads: Option<&common::Payloads>, what: &str) -> Result<(), String> {
    let size = payloads.map_or(0, Message::encoded_len);
    if size > BLOB_LIMIT {
        return Err(format!("{what} exceeds size limit: {size} bytes of {BLOB_LIMIT}."));
    }
    Ok(())
}
