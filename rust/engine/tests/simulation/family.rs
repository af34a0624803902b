//! What must be true of runs together: chains, parents and their children, what one sent to another.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::enums::v1::ParentClosePolicy;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes as A;

use super::audit::Audit;
use super::deletions::Gone;
use super::disk::{Disk, RunRow};
use super::invariants::{by_run, is_open};
use super::relations::{Relations, Sent, Stage};
use super::world::{Checked, require};

/// A run, with what is held back.
struct Member<'a> {
    row: &'a RunRow,
    relations: Relations,
    signals: BTreeSet<String>,
    cancel_requested: bool,
}

struct Family<'a>(BTreeMap<&'a str, Member<'a>>, &'a Gone);

/// All of it.
pub(crate) fn check(
    disk: &Disk,
    rows: &[RunRow],
    audits: &BTreeMap<i64, Audit>,
    gone: &Gone,
) -> Checked {
    let mut open = BTreeSet::new();
    for row in rows.iter().filter(|row| is_open(row)) {
        let first = open.insert((row.alone, &row.workflow_id));
        require("a workflow has one open run", first, || format!("{row:?}"))?;
    }
    let mut members = BTreeMap::new();
    for row in rows {
        members.insert(row.run_id.as_str(), Member::of(disk, row, &audits[&row.key])?);
    }
    let family = Family(members, gone);
    let children = by_run(disk.pairs("SELECT run_key, initiated_event_id FROM children"));
    for member in family.0.values() {
        family.chain(member)?;
        family.children(member)?;
        family.sent(member)?;
        let started = member.relations.children.iter();
        let started = started.filter(|(_, child)| matches!(child.stage, Stage::Started(_)));
        let started: BTreeSet<_> = started.map(|(initiated, _)| *initiated).collect();
        let stored = children.get(&member.row.key).cloned().unwrap_or_default();
        let agrees = if is_open(member.row) { stored == started } else { stored.is_empty() };
        require("what is pending is what the history says", agrees, || {
            format!("children of {:?}: {stored:?}, history: {started:?}", member.row)
        })?;
    }
    Ok(())
}

impl<'a> Member<'a> {
    fn of(disk: &Disk, row: &'a RunRow, audit: &Audit) -> Result<Self, super::world::Violation> {
        let mut member = Self {
            row,
            relations: audit.relations.clone(),
            signals: audit.signals.clone(),
            cancel_requested: audit.cancel_requested,
        };
        for event in disk.buffered(row.key) {
            member.relations.read(&event)?;
            match event.attributes {
                Some(A::WorkflowExecutionSignaledEventAttributes(a)) => {
                    member.signals.insert(a.signal_name);
                }
                Some(A::WorkflowExecutionCancelRequestedEventAttributes(_)) => {
                    member.cancel_requested = true;
                }
                _ => {}
            }
        }
        Ok(member)
    }
}

impl Member<'_> {
    /// Whether some run of its workflow is gone: then less can be said.
    fn is_among(&self, gone: &Gone) -> bool {
        gone.has_some_of(&self.row.workflow_id)
    }
}

impl Family<'_> {
    /// A run that goes on in another one is the only one that does.
    fn chain(&self, member: &Member<'_>) -> Checked {
        let relations = &member.relations;
        let there = |run: &str| !run.is_empty() && !self.1.has_run(run);
        if there(&relations.next_run) {
            let next = self.0.get(relations.next_run.as_str());
            let fits = next.is_some_and(|next| {
                next.relations.continued_from == member.row.run_id
                    && next.relations.first_run == relations.first_run
                    && next.relations.parent == relations.parent
                    && next.row.workflow_id == member.row.workflow_id
            });
            require("a run that goes on has its next run", fits, || format!("{:?}", member.row))?;
        }
        if let Some(base) = &relations.base {
            if self.1.has_run(&base.run_id) {
                return Ok(());
            }
            let base = self.0.get(base.run_id.as_str());
            let ended = base.is_some_and(|base| !is_open(base.row));
            require("the base of a reset is closed", ended, || format!("{:?}", member.row))?;
        } else if there(&relations.continued_from) {
            let previous = self.0.get(relations.continued_from.as_str());
            let fits =
                previous.is_some_and(|previous| previous.relations.next_run == member.row.run_id);
            require("a run goes on from the one that says so", fits, || {
                format!("{:?}", member.row)
            })?;
        }
        Ok(())
    }

    /// The runs of a chain, from this one on.
    fn chain_from<'s>(&'s self, run_id: &'s str) -> impl Iterator<Item = &'s Member<'s>> {
        std::iter::successors(self.0.get(run_id), |member| {
            if member.relations.is_replaced {
                return self.in_place_of(member);
            }
            self.0.get(member.relations.next_run.as_str())
        })
    }

    /// The next run of the same workflow id.
    fn successor(&self, run: &Member<'_>) -> Option<&Member<'_>> {
        let later = self.0.values().filter(|member| {
            member.row.workflow_id == run.row.workflow_id && member.row.key > run.row.key
        });
        later.min_by_key(|member| member.row.key)
    }

    /// The run of the same chain that a reset put into the place of this one.
    fn in_place_of(&self, replaced: &Member<'_>) -> Option<&Member<'_>> {
        let next = self.successor(replaced)?;
        (next.relations.first_run == replaced.relations.first_run).then_some(next)
    }

    /// A run, and those that it goes back to.
    fn bases<'s>(&'s self, member: &'s Member<'s>) -> impl Iterator<Item = &'s Member<'s>> {
        std::iter::successors(Some(member), |member| {
            self.0.get(member.relations.base.as_ref()?.run_id.as_str())
        })
    }

    fn children(&self, parent: &Member<'_>) -> Checked {
        for (initiated, child) in &parent.relations.children {
            let detail = || format!("child {initiated} of {:?}: {child:?}", parent.row);
            let run_id = match &child.stage {
                Stage::Initiated => {
                    let closed = !is_open(parent.row);
                    require("what a run asks of others has an answer", closed, detail)?;
                    continue;
                }
                Stage::Refused => continue,
                Stage::Started(run_id) | Stage::Ended(run_id) => run_id,
            };
            if self.1.has_run(run_id) || parent.is_among(self.1) {
                continue;
            }
            let origin = self.0.get(run_id.as_str());
            if origin.is_some_and(|child| child.is_among(self.1)) {
                continue;
            }
            let origin = origin.and_then(|first| first.relations.parent.as_ref());
            let is_there = origin.is_some_and(|(run, event)| {
                event == initiated && self.bases(parent).any(|base| base.row.run_id == *run)
            });
            require("a child that started is there", is_there, detail)?;
            let last = self.chain_from(run_id).last();
            let ended = last.is_some_and(|last| !is_open(last.row));
            // A run of another chain took its place: nobody is told.
            let replaced = last.is_some_and(|last| last.relations.is_replaced);
            if matches!(child.stage, Stage::Ended(_)) {
                require("a child that ended is closed", ended, detail)?;
            } else if is_open(parent.row) {
                let untold = ended && !replaced && !self.was_let_go(parent, *initiated);
                require("a parent is told of the end of its child", !untold, detail)?;
            } else if !self.goes_on(parent) {
                let asked = || self.chain_from(run_id).any(|run| run.cancel_requested);
                let done = ended
                    || match child.policy {
                        ParentClosePolicy::Abandon => true,
                        ParentClosePolicy::RequestCancel => asked(),
                        _ => false,
                    };
                require("a parent that closes releases its children", done, detail)?;
            }
        }
        Ok(())
    }

    /// Whether a reset took the place of a run, to go on from it: its children stay.
    fn goes_on(&self, run: &Member<'_>) -> bool {
        let next = self.successor(run).and_then(|next| next.relations.base.as_ref());
        run.relations.is_replaced && next.is_some_and(|base| base.run_id == run.row.run_id)
    }

    /// Whether a run that goes on from others did not take the place of the one that had this child: that
    /// had closed before, or another reset had taken its place. Who was told of the end of the child by
    /// then, if anyone, is another run.
    fn was_let_go(&self, parent: &Member<'_>, initiated: i64) -> bool {
        self.bases(parent).any(|member| {
            let Some(base) = &member.relations.base else { return false };
            let in_place = self.0.get(base.run_id.as_str()).is_some_and(|closed| {
                let next = self.successor(closed).map(|next| next.row.key);
                closed.relations.is_replaced && next == Some(member.row.key)
            });
            initiated < base.failed && !in_place
        })
    }

    fn sent(&self, source: &Member<'_>) -> Checked {
        for (initiated, sent) in &source.relations.sent {
            let detail = || format!("{initiated} of {:?}: {sent:?}", source.row);
            match sent.arrived {
                None => {
                    let closed = !is_open(source.row);
                    require("what a run asks of others has an answer", closed, detail)?;
                }
                Some(false) => {}
                Some(true) => {
                    let arrived = self.1.has_some_of(&sent.workflow_id) || self.arrived(sent);
                    require("what arrived is there", arrived, detail)?;
                }
            }
        }
        Ok(())
    }

    fn arrived(&self, sent: &Sent) -> bool {
        let mut targets = self.0.values().filter(|m| m.row.workflow_id == sent.workflow_id);
        targets.any(|target| match &sent.signal {
            Some(name) => target.signals.contains(name),
            // A closed run needs no cancelling: that is acknowledged too.
            None => target.cancel_requested || !is_open(target.row),
        })
    }
}
