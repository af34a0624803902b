//! Does each invariant notice? Everything that a check looks at is spoiled once: the files, what was
//! read of the histories, what callers were told, and the engine's memory.

use std::collections::BTreeMap;

use hourglass_engine::simulation::{Lease, Memory};
use temporalio_protos::temporal::api::enums::v1::ParentClosePolicy;

use super::audit::Audit;
use super::disk::Activity;
use super::invariants::is_open;
use super::ledger::Fact;
use super::relations::{Sent, Stage};
use super::world::{Checked, World};

/// Worlds to look for something that can be spoiled.
const WORLDS: u64 = 80;

/// The invariant that has to notice, and how to spoil what it is about. Files: SQL that changes rows.
const FILES: [(&str, &str); 13] = [
    ("no orphan task", "UPDATE runs SET has_task = 1 WHERE status <> 1"),
    ("the state agrees with the history", "UPDATE runs SET status = 2 WHERE status = 1"),
    ("each pending task has a time", "DELETE FROM timers WHERE kind = 1"),
    ("each pending task has a time", "DELETE FROM timers WHERE kind = 2"),
    (
        "a closed run has no timers and no tasks",
        "INSERT INTO timers SELECT 1, run_key, 1, 7 FROM runs WHERE status <> 1",
    ),
    (
        "a closed run has no timers and no tasks",
        "INSERT INTO activities SELECT run_key, 5, 0, x'' FROM runs WHERE status <> 1",
    ),
    ("what is pending is what the history says", "DELETE FROM activities"),
    ("what is pending is what the history says", "DELETE FROM user_timers"),
    ("what is pending is what the history says", "DELETE FROM children"),
    (
        "a history never becomes shorter",
        "DELETE FROM history WHERE id = (SELECT max(id) FROM history)",
    ),
    (
        "a run is there until it is deleted",
        "DELETE FROM runs WHERE run_key = (SELECT max(run_key) FROM runs)",
    ),
    (
        "a deleted run is nowhere",
        "INSERT INTO children (run_key, initiated_event_id, data) VALUES (1 << 40, 5, x'')",
    ),
    (
        "a workflow has one open run",
        "UPDATE runs SET workflow_id = 'the same' WHERE status = 1
           AND (SELECT count(*) FROM runs WHERE status = 1) > 1",
    ),
];

type SpoilAudits = fn(&mut BTreeMap<i64, Audit>) -> bool;

/// What was read of the histories.
const HISTORIES: [(&str, SpoilAudits); 12] = [
    ("what a workflow has not seen has a task", |audits| {
        spoil(audits, |audit| {
            let waits = !audit.closed && audit.had_task;
            audit.unseen |= waits;
            waits
        })
    }),
    ("a run that goes on has its next run", |audits| {
        spoil(audits, |audit| lose(&mut audit.relations.next_run))
    }),
    ("a run goes on from the one that says so", |audits| {
        spoil(audits, |audit| {
            "nobody".clone_into(&mut audit.relations.continued_from);
            true
        })
    }),
    ("the base of a reset is closed", |audits| {
        spoil(audits, |audit| {
            let base = audit.relations.base.as_mut();
            base.is_some_and(|base| lose(&mut base.run_id))
        })
    }),
    ("a child that started is there", |audits| {
        spoil_child(audits, |stage| match stage {
            Stage::Started(run) | Stage::Ended(run) => lose(run),
            _ => false,
        })
    }),
    ("what a run asks of others has an answer", |audits| {
        spoil(audits, |audit| {
            let mut children = audit.relations.children.values_mut();
            let child = children.find(|child| child.stage == Stage::Refused);
            !audit.closed
                && child.is_some_and(|child| turn_into(&mut child.stage, Stage::Initiated))
        })
    }),
    ("a parent is told of the end of its child", |audits| {
        spoil_open_child(audits, |stage| match stage {
            Stage::Ended(run) => {
                let run = run.clone();
                turn_into(stage, Stage::Started(run))
            }
            _ => false,
        })
    }),
    ("a child that ended is closed", |audits| {
        spoil_child(audits, |stage| match stage {
            Stage::Started(run) => {
                let run = run.clone();
                turn_into(stage, Stage::Ended(run))
            }
            _ => false,
        })
    }),
    ("a parent that closes releases its children", |audits| {
        let mut abandoned = false;
        for audit in audits.values_mut().filter(|audit| audit.closed) {
            for child in audit.relations.children.values_mut() {
                abandoned |= child.policy == ParentClosePolicy::Abandon;
                child.policy = ParentClosePolicy::Terminate;
            }
        }
        abandoned
    }),
    ("what a run asks of others has an answer", |audits| {
        spoil_sent(audits, |sent| turn_into(&mut sent.arrived, None))
    }),
    ("what arrived is there", |audits| {
        spoil_sent(audits, |sent| {
            "nobody".clone_into(&mut sent.workflow_id);
            sent.arrived == Some(true)
        })
    }),
    ("what arrived is there", |audits| {
        spoil_sent(audits, |sent| {
            let signal = sent.signal.as_mut().filter(|_| sent.arrived == Some(true));
            signal.is_some_and(lose)
        })
    }),
];

type SpoilMemory = fn(&World, &mut Memory) -> bool;

/// What the engine has in memory.
const MEMORY: [(&str, SpoilMemory); 12] = [
    ("each lease has an end", |_, memory| {
        memory.leases.iter_mut().map(|lease| lease.ends = false).next().is_some()
    }),
    ("each lease has a live owner", |world, memory| {
        let gone = world.workers.gone.first();
        let (Some(lease), Some(gone)) = (memory.leases.first_mut(), gone) else { return false };
        gone.clone_into(&mut lease.worker);
        true
    }),
    ("each lease is of a task", |world, memory| {
        let run = closed(world).unwrap_or_default();
        memory.leases.push(Lease { run, worker: String::new(), ends: true });
        true
    }),
    ("each workflow task is offered", |_, memory| {
        let offered = !memory.workflow_tasks.is_empty();
        memory.workflow_tasks.clear();
        memory.retry_list.clear();
        offered
    }),
    ("each workflow task is offered", |_, memory| {
        let leased = !memory.leases.is_empty();
        memory.leases.clear();
        leased
    }),
    ("each task waits for one worker only so long", |_, memory| {
        memory.sticky_tasks.values_mut().map(|ends| *ends = false).next().is_some()
    }),
    ("each activity is offered", |_, memory| {
        let offered = !memory.activity_tasks.is_empty();
        memory.activity_tasks.clear();
        memory.retry_list.clear();
        offered
    }),
    ("an admitted update has a task", |world, memory| {
        let run = closed(world);
        run.is_some_and(|run| memory.admitted.insert((run, "u".to_owned())))
    }),
    ("an admitted update is not accepted yet", |world, memory| {
        let tasks = world.rows.iter().filter(|row| row.has_task);
        let accepted = tasks.filter_map(|row| {
            let updates = &world.audits[&row.key].relations.updates;
            updates.keys().next().map(|id| (row.key, id.clone()))
        });
        accepted.last().is_some_and(|update| memory.admitted.insert(update))
    }),
    ("nobody waits for a closed run", |world, memory| {
        let run = closed(world);
        run.is_some_and(|run| memory.update_waiters.insert((run, "u".to_owned(), true)))
    }),
    ("nobody waits for a closed run", |world, memory| {
        closed(world).is_some_and(|run| memory.history_waiters.insert(run))
    }),
    ("nobody waits for what does not come", |world, memory| {
        let row = world.rows.iter().find(|row| !row.alone && is_open(row));
        row.is_some_and(|row| memory.update_waiters.insert((row.key, "u".to_owned(), true)))
    }),
];

fn closed(world: &World) -> Option<i64> {
    world.rows.iter().find(|row| !is_open(row)).map(|row| row.key)
}

/// Replace what is there; tells whether something was.
fn lose(text: &mut String) -> bool {
    !std::mem::replace(text, "nobody".to_owned()).is_empty()
}

fn turn_into<T: PartialEq>(thing: &mut T, other: T) -> bool {
    let before = std::mem::replace(thing, other);
    before != *thing
}

/// Spoil the first that can be.
fn spoil(audits: &mut BTreeMap<i64, Audit>, how: impl FnMut(&mut Audit) -> bool) -> bool {
    audits.values_mut().any(how)
}

fn spoil_child(audits: &mut BTreeMap<i64, Audit>, how: fn(&mut Stage) -> bool) -> bool {
    spoil(audits, |audit| audit.relations.children.values_mut().any(|child| how(&mut child.stage)))
}

fn spoil_open_child(audits: &mut BTreeMap<i64, Audit>, how: fn(&mut Stage) -> bool) -> bool {
    spoil(audits, |audit| {
        let mut children = audit.relations.children.values_mut();
        !audit.closed && children.any(|child| how(&mut child.stage))
    })
}

fn spoil_sent(audits: &mut BTreeMap<i64, Audit>, how: fn(&mut Sent) -> bool) -> bool {
    spoil(audits, |audit| !audit.closed && audit.relations.sent.values_mut().any(how))
}

/// Whether a check failed by that invariant.
fn noticed(checked: Checked, invariant: &str) -> bool {
    checked.is_err_and(|violation| violation.to_string().contains(invariant))
}

/// Spoil each of them in one world after the other, until all were noticed.
fn all_noticed<T: Copy>(
    all: &[(&'static str, T)],
    spoil_and_check: impl Fn(&mut World, T) -> Option<Checked>,
) {
    let mut left: Vec<_> = all.iter().enumerate().collect();
    for seed in 0..WORLDS {
        let mut world = World::at_rest(seed).unwrap();
        left.retain(|(_, (invariant, how))| {
            let checked = spoil_and_check(&mut world, *how);
            !checked.is_some_and(|checked| noticed(checked, invariant))
        });
        if left.is_empty() {
            return;
        }
    }
    let left: Vec<_> = left.iter().map(|(index, (invariant, _))| (index, invariant)).collect();
    panic!("nobody noticed: {left:?}");
}

#[test]
fn spoilt_files_are_noticed() {
    all_noticed(&FILES, |world, sql| {
        let before = world.audits.clone();
        let connection = world.disk.reader();
        connection.execute_batch("BEGIN").unwrap();
        let spoilt = connection.execute(sql, []).unwrap() > 0;
        let checked = world.check_from_the_start();
        world.disk.reader().execute_batch("ROLLBACK").unwrap();
        world.audits = before;
        world.check().unwrap();
        spoilt.then_some(checked)
    });
}

#[test]
fn spoilt_histories_are_noticed() {
    all_noticed(&HISTORIES, |world, how| {
        let before = world.audits.clone();
        let spoilt = how(&mut world.audits);
        let checked = world.check();
        world.audits = before;
        world.check().unwrap();
        spoilt.then_some(checked)
    });
}

#[test]
fn spoilt_memory_is_noticed() {
    all_noticed(&MEMORY, |world, how| {
        let mut memory = world.engine.as_ref().unwrap().memory();
        let spoilt = how(world, &mut memory);
        spoilt.then(|| world.check_memory(&memory))
    });
}

#[test]
fn an_activity_that_a_gone_worker_has_is_noticed() {
    let noticed = (0..WORLDS).any(|seed| {
        let mut world = World::at_rest(seed).unwrap();
        let mut activities = world.disk.activities().into_values();
        let Some(started) = activities.find(Activity::is_started) else { return false };
        world.workers.gone.insert(started.worker);
        noticed(world.check(), "an activity of a worker that is gone goes to others")
    });
    assert!(noticed);
}

#[test]
fn a_changed_prefix_is_noticed() {
    let mut world = World::at_rest(0).unwrap();
    let audit = world.audits.values_mut().next().unwrap();
    audit.digest ^= 1;
    assert!(noticed(world.check_from_the_start(), "a history's prefix never changes"));
}

#[test]
fn every_fact_that_is_not_so_is_noticed() {
    let mut world = World::at_rest(0).unwrap();
    let run = world.rows.iter().find(|row| !row.alone && is_open(row)).unwrap().run_id.clone();
    let id = || "nobody asked".to_owned();
    let facts = [
        Fact::Signaled(id()),
        Fact::Closed,
        Fact::Deleted,
        Fact::Outcome(Vec::new()),
        Fact::TaskCompleted { started_event_id: 4_000_000 },
        Fact::ActivityGiven { scheduled_event_id: 4_000_000 },
        Fact::ActivityEnded { scheduled_event_id: 4_000_000 },
        Fact::UpdateAccepted { id: id() },
        Fact::UpdateCompleted { id: id(), outcome: Vec::new() },
        Fact::UpdateCutOff { id: id() },
    ];
    for fact in facts {
        world.ledger.look_again();
        world.note(&run, fact.clone());
        let checked = world.check();
        assert!(noticed(checked, "nothing acknowledged is lost"), "{fact:?}");
        world.ledger.forget_last();
    }
    world.note("no such run", Fact::Started);
    assert!(noticed(world.check(), "nothing acknowledged is lost"));
}
