//! What the engine must do, seen from outside: every test speaks to it by RPC, as a worker or a client.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_imports,
    clippy::unnecessary_wraps,
    reason = "a test fails by panicking, requests come from one module of generated types, and their \
              fields are options"
)]

mod activities;
mod activity_control;
mod activity_timeouts;
mod async_completion;
mod buffering;
mod cancel;
mod children;
mod clock_jumps;
mod cold_runs;
mod concurrency;
mod crashes;
mod cron;
mod database;
mod deletion;
mod describe;
mod eager;
mod external;
mod faults;
mod files;
mod history;
mod lists;
mod namespaces;
mod old_databases;
mod options;
mod polls;
mod precommit_tasks;
mod priorities;
mod queries;
mod recovery;
mod resets;
mod retry_list;
mod search_attributes;
mod shutdown_worker;
mod signal_with_start;
mod signals;
mod size_limits;
mod speculative_tasks;
mod standalone_activities;
mod standalone_control;
mod standalone_crashes;
mod standalone_ends;
mod standalone_lists;
mod start_policies;
mod sticky;
mod support;
mod task_queues;
mod terminate;
mod time_skipping;
mod timers;
mod update_limits;
mod update_with_start;
mod updates;
mod workflow_retry;
mod workflow_task;
mod workflow_task_heartbeats;
