-- Runs by their search attributes, those with the same value in the order in which runs are listed.
-- Several rows for a list, and of a text its words.
CREATE TABLE runs_by_attribute (
    namespace_key INTEGER NOT NULL,
    kind INTEGER NOT NULL,                -- as in runs
    name TEXT NOT NULL,
    value ANY NOT NULL,
    closed INTEGER NOT NULL,              -- the end of time while the run is open
    start_time INTEGER NOT NULL,
    run_key INTEGER NOT NULL,
    PRIMARY KEY (namespace_key, kind, name, value, closed, start_time, run_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX attributes_of_run ON runs_by_attribute (run_key, name, value);
DROP TABLE search_attributes;

-- Runs up to this key are not in it yet: they are added by the first query that asks for an attribute,
-- so that to open an old database takes no longer than to open a new one.
CREATE TABLE unindexed_runs (last_run_key INTEGER NOT NULL) STRICT;
INSERT INTO unindexed_runs SELECT coalesce(max(run_key), 0) FROM runs;
