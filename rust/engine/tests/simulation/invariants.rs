//! What must be true of the disk and of the engine's memory whenever nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_engine::simulation::Memory;
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus, WorkflowExecutionStatus,
};

use super::audit::Audit;
use super::disk::{Activity, Disk, RunRow};
use super::world::{Checked, require};

/// Tables whose rows belong to open runs only.
const OF_OPEN_RUNS: [&str; 5] =
    ["timers", "user_timers", "activities", "buffered_events", "request_ids"];

/// What names the runs in tables whose rows belong to runs that are there.
const OF_RUNS: [&str; 4] = [
    "run_key AS k FROM updates",
    "run_key AS k FROM runs_by_attribute",
    "run_key AS k FROM children",
    "id >> 22 AS k FROM history",
];

pub(crate) fn is_open(row: &RunRow) -> bool {
    row.status == i32::from(WorkflowExecutionStatus::Running)
        || row.alone && row.status == i32::from(ActivityExecutionStatus::Paused)
}

/// Invariants of the files alone.
pub(crate) fn of_disk(disk: &Disk, rows: &[RunRow], audits: &BTreeMap<i64, Audit>) -> Checked {
    for row in rows {
        let audit = &audits[&row.key];
        require("the state agrees with the history", is_open(row) != audit.closed, || {
            format!("{row:?}")
        })?;
        require("no orphan task", is_open(row) || !row.has_task, || format!("{row:?}"))?;
        let waits = is_open(row) && audit.had_task && audit.unseen && !row.has_task;
        require("what a workflow has not seen has a task", !waits, || format!("{row:?}"))?;
    }
    for table in OF_RUNS {
        let sql =
            format!("SELECT k, 0 FROM (SELECT {table}) WHERE k NOT IN (SELECT run_key FROM runs)");
        let orphans = disk.pairs(&sql);
        require("a deleted run is nowhere", orphans.is_empty(), || {
            format!("{table}: {orphans:?}")
        })?;
    }
    for table in OF_OPEN_RUNS {
        let orphans = disk.pairs(&format!(
            "SELECT run_key, 0 FROM {table} WHERE run_key NOT IN (SELECT run_key FROM runs WHERE close_time IS NULL)"
        ));
        require("a closed run has no timers and no tasks", orphans.is_empty(), || {
            format!("{table}: {orphans:?}")
        })?;
    }
    let mut timeless = disk.pairs(
        "SELECT run_key, started_event_id FROM user_timers u WHERE NOT EXISTS
           (SELECT 1 FROM timers t WHERE t.run_key = u.run_key AND kind = 1 AND subject = u.started_event_id)
         UNION ALL
         SELECT run_key, scheduled_event_id FROM activities a WHERE ready = 0 AND NOT EXISTS
           (SELECT 1 FROM timers t WHERE t.run_key = a.run_key AND kind = 2 AND subject = a.scheduled_event_id)",
    );
    if !timeless.is_empty() {
        let activities = disk.activities(); // time does nothing to those that are paused
        timeless.retain(|key| !activities.get(key).is_some_and(Activity::is_paused));
    }
    require("each pending task has a time", timeless.is_empty(), || format!("{timeless:?}"))?;
    pending_agrees(disk, rows, audits)
}

/// What is pending in the tables is what is pending in the histories, but for what is held back.
fn pending_agrees(disk: &Disk, rows: &[RunRow], audits: &BTreeMap<i64, Audit>) -> Checked {
    let timers = by_run(disk.pairs("SELECT run_key, started_event_id FROM user_timers"));
    let activities = by_run(disk.pairs("SELECT run_key, scheduled_event_id FROM activities"));
    let holding = by_run(disk.pairs("SELECT run_key, sequence FROM buffered_events"));
    for row in rows.iter().filter(|row| is_open(row)) {
        let audit = &audits[&row.key];
        let nothing = BTreeSet::new();
        let held = holding.contains_key(&row.key);
        let in_history = audit.timers.values().map(|(started, _)| *started).collect();
        for (what, stored, expected) in [
            ("timers", timers.get(&row.key).unwrap_or(&nothing), &in_history),
            ("activities", activities.get(&row.key).unwrap_or(&nothing), &audit.activities),
        ] {
            let agrees = if held { stored.is_subset(expected) } else { stored == expected };
            require("what is pending is what the history says", agrees, || {
                format!("{what} of {row:?}: {stored:?}, history: {expected:?}")
            })?;
        }
    }
    Ok(())
}

pub(crate) fn by_run(pairs: Vec<(i64, i64)>) -> BTreeMap<i64, BTreeSet<i64>> {
    let mut runs = BTreeMap::<i64, BTreeSet<i64>>::new();
    for (run, subject) in pairs {
        runs.entry(run).or_default().insert(subject);
    }
    runs
}

/// Invariants of what the engine has in memory, against the files. `gone`: workers that are no more.
pub(crate) fn of_memory(
    disk: &Disk,
    rows: &[RunRow],
    audits: &BTreeMap<i64, Audit>,
    memory: &Memory,
    gone: &BTreeSet<String>,
) -> Checked {
    let row_of = |run: i64| rows.iter().find(|row| row.key == run);
    let is_live = |run: i64| row_of(run).is_some_and(is_open);
    let has_task =
        |row: &RunRow| row.has_task || is_open(row) && memory.speculative.contains(&row.key);
    for lease in &memory.leases {
        require("each lease has an end", lease.ends, || format!("{lease:?}"))?;
        require("each lease has a live owner", !gone.contains(&lease.worker), || {
            format!("{lease:?}")
        })?;
        let of_task = row_of(lease.run).is_some_and(has_task);
        require("each lease is of a task", of_task, || format!("{lease:?}"))?;
    }
    for row in rows.iter().filter(|row| has_task(row)) {
        let offered = memory.leases.iter().any(|lease| lease.run == row.key)
            || memory.workflow_tasks.contains(&row.key)
            || memory.retry_list.contains(&row.key);
        require("each workflow task is offered", offered, || format!("{row:?}"))?;
    }
    for (run, ends) in &memory.sticky_tasks {
        require("each task waits for one worker only so long", *ends, || format!("run {run}"))?;
    }
    activities(disk, memory, gone)?;
    for (run, id) in &memory.admitted {
        let detail = || format!("{id} of run {run}");
        let audit = audits.get(run);
        let on_record = audit.is_some_and(|audit| audit.relations.admitted.contains_key(id));
        let carried = on_record || row_of(*run).is_some_and(has_task);
        require("an admitted update has a task", carried, detail)?;
        let accepted = audit.is_some_and(|audit| audit.relations.updates.contains_key(id));
        require("an admitted update is not accepted yet", !accepted, detail)?;
    }
    for (run, id, for_outcome) in &memory.update_waiters {
        let detail = || format!("for {id} of run {run}");
        require("nobody waits for a closed run", is_live(*run), detail)?;
        let update = audits[run].relations.updates.get(id);
        let is_there = update.is_some_and(|update| !for_outcome || update.outcome.is_some());
        require("nobody waits for what is there", !is_there, detail)?;
        let comes = update.is_some() || memory.admitted.contains(&(*run, id.clone()));
        require("nobody waits for what does not come", comes, detail)?;
    }
    for run in &memory.history_waiters {
        require("nobody waits for a closed run", is_live(*run), || format!("run {run}"))?;
    }
    Ok(())
}

/// Each activity that waits is offered, and each that was started has a worker or waits for one.
fn activities(disk: &Disk, memory: &Memory, gone: &BTreeSet<String>) -> Checked {
    for (run, activity) in
        disk.pairs("SELECT run_key, scheduled_event_id FROM activities WHERE ready = 1")
    {
        let offered =
            memory.activity_tasks.contains(&(run, activity)) || memory.retry_list.contains(&run);
        require("each activity is offered", offered, || format!("{activity} of run {run}"))?;
    }
    for ((run, id), activity) in disk.activities() {
        let gone = activity.is_started() && gone.contains(&activity.worker);
        let goes_to_others = memory.kept_activities.contains(&(run, id))
            || memory.retry_list.contains(&run)
            || memory.retry_gone.contains(&activity.worker);
        let invariant = "an activity of a worker that is gone goes to others";
        require(invariant, !gone || goes_to_others, || format!("{id} of run {run}: {activity:?}"))?;
    }
    Ok(())
}
