//! Pages of a history, encoded.

use bytes::Bytes;
use prost::Message;

use crate::history::fragment;
use crate::ids::{EventId, HistoryToken};
use crate::proto::service::GetWorkflowExecutionHistoryResponse;
use crate::store::{Fragment, RunRow};

/// A page ends with the event at which it has this many bytes.
pub(crate) const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Events on a page at most, and when the caller does not say. Workers drop what they have replayed from
/// the front of what they have read, workflow task by workflow task: with long pages that is quadratic.
pub(crate) const PAGE_EVENTS: usize = 256;

/// Bytes of a history that are read at first; there is more to a page of large events.
pub(crate) const READ_BYTES: usize = 64 * 1024;

/// `GetWorkflowExecutionHistoryResponse.history`.
const HISTORY_TAG: u32 = 1;

/// The token of a page of that run that begins with the event `next_event_id`.
pub(crate) fn token(row: &RunRow, next_event_id: EventId, of_task: bool) -> HistoryToken {
    let run_id = row.run_id.0.as_bytes().to_vec();
    HistoryToken { run_key: row.key.0, run_id, next_event_id, of_task }
}

pub(crate) fn encode(events: &[Bytes], next_page_token: Vec<u8>) -> Bytes {
    let rest = GetWorkflowExecutionHistoryResponse { next_page_token, ..Default::default() };
    let mut body = rest.encode_to_vec();
    fragment::put_field(&mut body, HISTORY_TAG, events);
    body.into()
}

/// At most `limit` events and about [`PAGE_BYTES`] from `from` on, and the id after the last one.
pub(crate) fn cut(fragments: &[Fragment], from: EventId, limit: usize) -> (Vec<Bytes>, EventId) {
    let (mut parts, mut next, mut bytes, mut left) = (Vec::new(), from, 0, limit);
    for part in fragments {
        let before = usize::try_from(from.saturating_sub(part.first)).unwrap_or(0);
        let (events, taken) = fragment::take(&fragment::skip(&part.events, before), left);
        next += i64::try_from(taken).unwrap_or(0);
        left -= taken;
        bytes += events.len();
        parts.push(events);
        if left == 0 || bytes >= PAGE_BYTES {
            break;
        }
    }
    (parts, next)
}
