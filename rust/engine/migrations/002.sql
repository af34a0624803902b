-- Children of open runs, from the event that initiates them to their end.
CREATE TABLE children (
    run_key INTEGER NOT NULL,             -- of the parent
    initiated_event_id INTEGER NOT NULL,
    data BLOB NOT NULL,                   -- ChildRecord
    PRIMARY KEY (run_key, initiated_event_id)
) STRICT, WITHOUT ROWID;
