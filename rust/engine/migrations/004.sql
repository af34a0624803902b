-- Runs as they are listed: open ones first, then those that closed last.
CREATE INDEX runs_as_listed ON runs (
    namespace_key, coalesce(close_time, 9223372036854775807), start_time, run_key
);
