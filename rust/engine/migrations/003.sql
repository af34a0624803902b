-- Updates that a workflow has accepted, so that a repeated request finds the first one. Rows outlive
-- the run: an outcome can be asked for as long as its history is there.
CREATE TABLE updates (
    run_key INTEGER NOT NULL,
    update_id TEXT NOT NULL,
    accepted_event_id INTEGER NOT NULL,
    completed_event_id INTEGER NOT NULL,  -- 0 while it has no outcome
    PRIMARY KEY (run_key, update_id)
) STRICT, WITHOUT ROWID;
