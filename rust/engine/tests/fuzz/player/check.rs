//! Whether a file is sound.

use std::path::Path;

use prost::Message;
use rusqlite::Connection;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{EventType, WorkflowExecutionStatus};
use temporalio_protos::temporal::api::history::v1::History;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::play::Play;

/// As many events a run has at most: the engine's layout of ids.
const EVENT_ID_BITS: u32 = 22;
/// Tables whose rows belong to open runs only.
const OF_OPEN_RUNS: [&str; 5] =
    ["timers", "user_timers", "activities", "buffered_events", "request_ids"];

/// Check a file that no engine has; tell the runs in it, with their namespaces.
pub(crate) fn file(path: &Path) -> Vec<(String, WorkflowExecution)> {
    let connection = Connection::open(path).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    for table in OF_OPEN_RUNS {
        let orphans = format!(
            "SELECT CAST(count(*) AS TEXT) FROM {table}
             WHERE run_key NOT IN (SELECT run_key FROM runs WHERE status = 1)"
        );
        assert_eq!(text(&orphans), "0", "a closed run has no {table}");
    }
    let mut statement = connection
        .prepare(
            "SELECT run_key, name, workflow_id, run_id, status FROM runs JOIN namespaces
             USING (namespace_key) ORDER BY run_key",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        let run_id = uuid::Uuid::from_bytes(row.get(3)?).hyphenated().to_string();
        let run = WorkflowExecution { workflow_id: row.get(2)?, run_id };
        let key: i64 = row.get(0)?;
        let status: i32 = row.get(4)?;
        let is_open = status == i32::from(WorkflowExecutionStatus::Running);
        Ok((key, is_open, row.get(1)?, run))
    });
    let mut runs = Vec::new();
    for row in rows.unwrap() {
        let (key, is_open, namespace, run) = row.unwrap();
        history(&connection, key, is_open);
        runs.push((namespace, run));
    }
    runs
}

/// Events count up from 1, and the last one closes the run if it is closed.
fn history(connection: &Connection, run: i64, is_open: bool) {
    let mut statement = connection
        .prepare_cached("SELECT events FROM history WHERE id >= ?1 AND id < ?2 ORDER BY id")
        .unwrap();
    let rows = statement.query_map([run << EVENT_ID_BITS, (run + 1) << EVENT_ID_BITS], |row| {
        row.get::<_, Vec<u8>>(0)
    });
    let mut events = Vec::new();
    for bytes in rows.unwrap() {
        events.extend(History::decode(bytes.unwrap().as_slice()).expect("a readable event").events);
    }
    for (event, id) in events.iter().zip(1..) {
        assert_eq!(event.event_id, id, "the ids of a history count up");
        assert!(event.attributes.is_some(), "an event says something: {event:?}");
    }
    let types: Vec<_> = events.iter().map(|event| event.event_type()).collect();
    let closes: Vec<_> = types.iter().map(|kind| closes(*kind)).collect();
    let expected = closes.len() - 1;
    let at = closes.iter().position(|closes| *closes);
    assert_eq!(at, (!is_open).then_some(expected), "the close event is the last: {types:?}");
}

const fn closes(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::WorkflowExecutionCompleted
            | EventType::WorkflowExecutionFailed
            | EventType::WorkflowExecutionTimedOut
            | EventType::WorkflowExecutionCanceled
            | EventType::WorkflowExecutionTerminated
            | EventType::WorkflowExecutionContinuedAsNew
    )
}

/// The engine tells what it is asked of a run, and all the same.
pub(crate) fn run(play: &mut Play, namespace: &str, run: &WorkflowExecution) {
    let (namespace, execution) = (namespace.to_owned(), Some(run.clone()));
    let request = DescribeWorkflowExecutionRequest {
        namespace: namespace.clone(),
        execution: execution.clone(),
    };
    let described = play.ask(&request).unwrap().workflow_execution_info.unwrap();
    let mut request =
        GetWorkflowExecutionHistoryRequest { namespace, execution, ..Default::default() };
    let mut events = Vec::new();
    loop {
        let page = play.ask(&request).unwrap();
        events.extend(page.history.unwrap().events.into_iter().map(|event| event.event_type()));
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    assert_eq!(
        described.history_length,
        i64::try_from(events.len()).unwrap(),
        "{run:?} {events:?}"
    );
}
