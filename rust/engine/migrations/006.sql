-- An activity that was started by itself is a run too: of one activity, without a workflow. Its activity
-- id is in workflow_id, its type in workflow_type.
ALTER TABLE runs ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;  -- 0 of a workflow, 1 of an activity
DROP INDEX runs_by_workflow_id;
CREATE INDEX runs_by_own_id ON runs (namespace_key, kind, workflow_id, run_key);
DROP INDEX runs_as_listed;
CREATE INDEX runs_as_listed ON runs (
    namespace_key, kind, coalesce(close_time, 9223372036854775807), start_time, run_key
);
