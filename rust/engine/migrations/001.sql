-- Everything about a run carries its run_key. Rows of a closed run: runs and history only.

CREATE TABLE namespaces (
    namespace_key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    data BLOB NOT NULL                    -- NamespaceRecord
) STRICT;

CREATE TABLE runs (
    run_key INTEGER PRIMARY KEY,
    namespace_key INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    run_id BLOB NOT NULL,                 -- 16 bytes, version 7: new ones go to the end of the index
    workflow_type TEXT NOT NULL,
    task_queue TEXT NOT NULL,
    status INTEGER NOT NULL,              -- temporal.api.enums.v1.WorkflowExecutionStatus
    start_time INTEGER NOT NULL,          -- nanoseconds since 1970
    close_time INTEGER,
    has_task INTEGER NOT NULL,            -- a workflow task is scheduled
    state BLOB NOT NULL                   -- RunRecord: small, whatever the length of the history
) STRICT;
CREATE UNIQUE INDEX runs_by_run_id ON runs (run_id);
CREATE INDEX runs_by_workflow_id ON runs (namespace_key, workflow_id, run_key);
CREATE INDEX runs_with_task ON runs (run_key) WHERE has_task = 1;

-- Append-only. id = run_key << 22 | id of the first event, so that a run's history is one stretch of
-- the table, small batches of neighbouring runs share pages, and no second index is needed.
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    events BLOB NOT NULL                  -- an encoded temporal.api.history.v1.History
) STRICT;

CREATE TABLE activities (
    run_key INTEGER NOT NULL,
    scheduled_event_id INTEGER NOT NULL,
    ready INTEGER NOT NULL,               -- waits for a worker: neither started nor backing off
    data BLOB NOT NULL,                   -- ActivityRecord
    PRIMARY KEY (run_key, scheduled_event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX activities_ready ON activities (run_key, scheduled_event_id) WHERE ready = 1;

CREATE TABLE user_timers (
    run_key INTEGER NOT NULL,
    started_event_id INTEGER NOT NULL,
    data BLOB NOT NULL,                   -- TimerRecord
    PRIMARY KEY (run_key, started_event_id)
) STRICT, WITHOUT ROWID;

-- Events that arrived while a workflow task was being worked on.
CREATE TABLE buffered_events (
    run_key INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    event BLOB NOT NULL,                  -- an encoded HistoryEvent without an id
    PRIMARY KEY (run_key, sequence)
) STRICT, WITHOUT ROWID;

-- Requests that a run has seen, of signals for instance: the second of the same id changes nothing.
CREATE TABLE request_ids (
    run_key INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    PRIMARY KEY (run_key, request_id)
) STRICT, WITHOUT ROWID;

-- Everything that happens by the passing of time, in order. A row may be early, never late: firing
-- looks at the run and arms anew when it is not time yet.
CREATE TABLE timers (
    due INTEGER NOT NULL,                 -- nanoseconds since 1970
    run_key INTEGER NOT NULL,
    kind INTEGER NOT NULL,                -- TimerKind
    subject INTEGER NOT NULL,             -- an event id, or 0
    PRIMARY KEY (due, run_key, kind, subject)
) STRICT, WITHOUT ROWID;
