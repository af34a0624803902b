//! Encoded stretches of history.
//!
//! An encoded `History` is a sequence of events, each behind a tag and its length; so stretches are
//! joined by writing them one after the other, and cut by walking the lengths. Events are encoded
//! once, when they are appended, and never decoded to be served.

use bytes::{BufMut, Bytes};
use prost::Message;
use prost::encoding::{WireType, decode_varint, encode_key, encode_varint, encoded_len_varint};

use crate::proto::history::{History, HistoryEvent};

/// `History.events`.
const EVENTS_TAG: u32 = 1;

/// Append one event to an encoded `History`.
pub(crate) fn push(buffer: &mut Vec<u8>, event: &HistoryEvent) {
    encode_key(EVENTS_TAG, WireType::LengthDelimited, buffer);
    let length = event.encoded_len();
    encode_varint(length as u64, buffer);
    buffer.reserve(length);
    event.encode_raw(buffer);
}

/// The bytes after the first `count` events.
pub(crate) fn skip(events: &Bytes, count: usize) -> Bytes {
    let mut offset = 0;
    for _ in 0..count {
        match frame(&events[offset..]) {
            Some(length) => offset += length,
            None => break,
        }
    }
    events.slice(offset..)
}

/// The first `count` events and how many there were of them.
pub(crate) fn take(events: &Bytes, count: usize) -> (Bytes, usize) {
    let (mut offset, mut taken) = (0, 0);
    while taken < count {
        let Some(length) = frame(&events[offset..]) else { break };
        offset += length;
        taken += 1;
    }
    (events.slice(..offset), taken)
}

/// The last event alone, still encoded.
pub(crate) fn last(events: &Bytes) -> Bytes {
    let (mut offset, mut start) = (0, 0);
    while let Some(length) = frame(&events[offset..]) {
        start = offset;
        offset += length;
    }
    events.slice(start..)
}

/// The events themselves.
pub(crate) fn decode(events: &[u8]) -> Result<Vec<HistoryEvent>, prost::DecodeError> {
    Ok(History::decode(events)?.events)
}

/// The length of the first event with its tag and length; `None` at the end.
fn frame(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes.get(1..)?; // the tag is one byte
    let before = rest.len();
    let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
    Some(1 + (before - rest.len()) + length)
}

/// Append a length-delimited field: a message that is encoded already.
pub(crate) fn put_field(buffer: &mut Vec<u8>, tag: u32, parts: &[Bytes]) {
    let length: usize = parts.iter().map(Bytes::len).sum();
    encode_key(tag, WireType::LengthDelimited, buffer);
    buffer.reserve(length + encoded_len_varint(length as u64));
    encode_varint(length as u64, buffer);
    for part in parts {
        buffer.put_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(event_id: i64) -> HistoryEvent {
        HistoryEvent { event_id, task_id: event_id * 1000, ..HistoryEvent::default() }
    }

    fn encoded(ids: std::ops::RangeInclusive<i64>) -> Bytes {
        let mut buffer = Vec::new();
        ids.for_each(|id| push(&mut buffer, &event(id)));
        buffer.into()
    }

    fn ids(bytes: &[u8]) -> Vec<i64> {
        let events = decode(bytes).unwrap_or_default();
        events.iter().map(|event| event.event_id).collect()
    }

    #[test]
    fn pushed_events_are_an_encoded_history() {
        let history = History { events: (1..=200).map(event).collect() };
        assert_eq!(encoded(1..=200), history.encode_to_vec());
    }

    #[test]
    fn a_stretch_is_cut_between_events() {
        let bytes = encoded(1..=5);
        assert_eq!(ids(&skip(&bytes, 2)), [3, 4, 5]);
        assert_eq!(ids(&skip(&bytes, 9)), [0_i64; 0]);
        let (first, taken) = take(&bytes, 2);
        assert_eq!((ids(&first), taken), (vec![1, 2], 2));
        let (all, taken) = take(&bytes, 9);
        assert_eq!((ids(&all), taken), (vec![1, 2, 3, 4, 5], 5));
        assert_eq!(ids(&last(&bytes)), [5]);
    }

    #[test]
    fn a_field_of_parts_is_one_message() {
        let mut body = Vec::new();
        put_field(&mut body, 1, &[encoded(1..=2), encoded(3..=300)]);
        let response =
            crate::proto::service::GetWorkflowExecutionHistoryResponse::decode(body.as_slice());
        let events = response.ok().and_then(|response| response.history).unwrap_or_default().events;
        assert_eq!(events.len(), 300);
    }
}
