-- The search attributes of runs, to find the runs by: several rows for a list, and of a text its words.
CREATE TABLE search_attributes (
    run_key INTEGER NOT NULL,
    name TEXT NOT NULL,
    value ANY NOT NULL,
    PRIMARY KEY (run_key, name, value)
) STRICT, WITHOUT ROWID;
