//! Changes of a run that are not written yet, and writing them.

use std::collections::BTreeSet;

use prost::Message;

use crate::ids::EventId;
use crate::state::run::Run;
use crate::store::{Fragment, Result, Store, TimerRow, UpdateRow};
use crate::visibility::attributes;

/// Recent history kept in memory, per run.
const TAIL_BYTES: usize = 256 * 1024;

/// Changes that are not written yet.
#[allow(clippy::struct_excessive_bools, reason = "each is a change of its own")]
#[derive(Default)]
pub(super) struct Changes {
    pub(super) is_new: bool,
    pub(super) touched: bool,
    pub(super) row: bool,
    pub(super) fragments: Vec<(EventId, Vec<u8>)>,
    pub(super) activities: BTreeSet<EventId>,
    pub(super) timers: BTreeSet<EventId>,
    pub(super) children: BTreeSet<EventId>,
    pub(super) updates: Vec<UpdateRow>,
    pub(super) buffered: Vec<i64>,
    pub(super) clear_buffered: bool,
    pub(super) clear_request_ids: bool,
    pub(super) search_attributes: bool,
    /// In order; true arms, false disarms.
    pub(super) armed: Vec<(TimerRow, bool)>,
}

impl Run {
    /// True when [`Self::flush`] has something to write.
    pub(crate) fn is_dirty(&self) -> bool {
        let changes = &self.changes;
        changes.row
            || !changes.activities.is_empty()
            || !changes.timers.is_empty()
            || !changes.children.is_empty()
            || !changes.buffered.is_empty()
            || changes.clear_buffered
            || !changes.armed.is_empty()
    }

    /// Write what has changed, and give the timers that were armed (true) or disarmed.
    pub(crate) fn flush(&mut self, store: &mut dyn Store) -> Result<Vec<(TimerRow, bool)>> {
        self.check();
        let key = self.row.key;
        let changes = std::mem::take(&mut self.changes);
        self.write_row(store, &changes)?;
        for (first, bytes) in changes.fragments {
            let fragment = Fragment { first, events: bytes.into() };
            let follows = self.tail.last().is_none_or(|last| last.first < first);
            debug_assert!(follows, "fragments are in order");
            store.append_history(key, &fragment)?;
            self.tail.push(fragment);
        }
        for id in changes.activities {
            match self.activities.get(&id) {
                Some(record) => store.put_activity(key, record)?,
                None => store.delete_activity(key, id)?,
            }
        }
        for id in changes.timers {
            match self.timers.get(&id) {
                Some(record) => store.put_timer(key, record)?,
                None => store.delete_timer(key, id)?,
            }
        }
        for id in changes.children {
            match self.children.get(&id) {
                Some(record) => store.put_child(key, record)?,
                None => store.delete_child(key, id)?,
            }
        }
        for update in &changes.updates {
            store.put_update(key, update)?;
        }
        if changes.clear_buffered {
            store.delete_buffered(key)?;
        }
        for (sequence, event) in &self.buffered {
            if changes.buffered.contains(sequence) {
                store.put_buffered(key, *sequence, &event.encode_to_vec())?;
            }
        }
        if changes.clear_request_ids {
            store.delete_request_ids(key)?;
        }
        for (timer, arm) in &changes.armed {
            if *arm { store.arm(*timer)? } else { store.disarm(*timer)? }
        }
        self.trim();
        debug_assert!(!self.is_dirty(), "everything is written");
        Ok(changes.armed)
    }

    fn write_row(&mut self, store: &mut dyn Store, changes: &Changes) -> Result<()> {
        if changes.row
            && let Some(own) = &mut self.row.record.standalone
        {
            own.transitions += 1;
        }
        if changes.is_new {
            store.insert_run(&self.row)?;
        } else if changes.row {
            store.update_run(&self.row)?;
        }
        if changes.search_attributes
            && let Some(attributes) = &self.row.record.search_attributes
        {
            store.put_search_attributes(&self.row, &attributes::rows(attributes))?;
        }
        Ok(())
    }

    /// Check what must be so whenever a run is written.
    fn check(&self) {
        let task = self.row.record.workflow_task.is_some();
        debug_assert_eq!(self.is_open(), self.row.close_time.is_none(), "a closed run has an end");
        debug_assert!(self.is_open() || !task, "a closed run has no workflow task");
        debug_assert!(self.is_open() || self.activities.is_empty(), "nor activities");
        debug_assert!(self.is_open() || self.timers.is_empty(), "nor timers");
        debug_assert!(self.is_open() || self.children.is_empty(), "nor children");
        debug_assert!(
            self.is_open() || self.volatile.lease.is_none(),
            "no worker has a closed run"
        );
        let leased = self.volatile.lease.is_some();
        debug_assert!(!leased || self.workflow_task().is_some(), "a lease is of a workflow task");
        let speculative = self.volatile.speculative.is_some();
        debug_assert!(!speculative || !task, "a run has one workflow task");
        debug_assert!(!self.row.is_activity() || !task, "an activity has no workflow task");
    }

    /// Forget history that the next workflow task on a sticky queue won't need.
    fn trim(&mut self) {
        let needed = self.row.record.previous_started_event_id + 1;
        let at = self.tail.iter().rposition(|fragment| fragment.first <= needed).unwrap_or(0);
        self.tail.drain(..at);
        let mut bytes: usize = self.tail.iter().map(|fragment| fragment.events.len()).sum();
        while bytes > TAIL_BYTES {
            bytes -= self.tail.remove(0).events.len();
        }
    }
}
