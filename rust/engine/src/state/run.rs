//! A run in memory: what is stored of it, what is not, and what a transaction is about to change.
//!
//! State machines change a [`Run`] and append events to it; nothing reaches the store before the
//! call that caused it has succeeded as a whole, when [`Run::flush`] writes the difference.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use prost::Message;

use crate::Timestamp;
use crate::history::{causes, event, fragment, page};
use crate::ids::{EventId, RunKey};
use crate::proto::history::HistoryEvent;
use crate::proto::{Attributes, common, timestamp};
use crate::state::changes::Changes;
use crate::state::env::Env;
pub(crate) use crate::state::lease::{Lease, Speculative, Sticky, Volatile};
use crate::state::timers::TimerKind;
use crate::store::record::WorkflowTaskRecord;
use crate::store::{
    ActivityRecord, ChildRecord, Fragment, Pending, Result, RunRow, Store, StoreError, TimerRecord,
    TimerRow, UpdateRow,
};

/// A new row of history begins when this many bytes are reached.
const FRAGMENT_BYTES: usize = 64 * 1024;

/// A run, and the changes to it that are not written yet.
pub(crate) struct Run {
    pub(crate) row: RunRow,
    pub(crate) activities: BTreeMap<EventId, ActivityRecord>,
    /// Invariant: one entry for each pending activity.
    pub(crate) activity_ids: HashMap<String, EventId>,
    pub(crate) timers: BTreeMap<EventId, TimerRecord>,
    /// Invariant: one entry for each pending timer.
    pub(crate) timer_ids: HashMap<String, EventId>,
    /// By the event that initiated them.
    pub(crate) children: BTreeMap<EventId, ChildRecord>,
    /// The accepted events of updates that have no outcome yet.
    pub(crate) updates: BTreeMap<String, EventId>,
    /// Events that wait for the workflow task in progress to end.
    /// Invariant: empty unless a worker has the workflow task, or its end is being written.
    pub(crate) buffered: Vec<(i64, HistoryEvent)>,
    pub(crate) volatile: Volatile,
    /// The newest stored fragments, without a gap.
    /// Invariant: in order of their first events.
    pub(super) tail: Vec<Fragment>,
    pub(super) changes: Changes,
}

impl Run {
    /// A run that is not stored yet.
    pub(crate) fn new(row: RunRow) -> Self {
        let mut run = Self::empty(row);
        let search_attributes = run.row.record.search_attributes.is_some();
        run.changes = Changes { is_new: true, row: true, search_attributes, ..Changes::default() };
        run
    }

    /// A stored run.
    pub(crate) fn load(row: RunRow, pending: Pending) -> Result<Self> {
        let mut run = Self::empty(row);
        for record in pending.activities {
            run.activity_ids.insert(record.activity_id.clone(), record.scheduled_event_id);
            run.activities.insert(record.scheduled_event_id, record);
        }
        for record in pending.timers {
            run.timer_ids.insert(record.timer_id.clone(), record.started_event_id);
            run.timers.insert(record.started_event_id, record);
        }
        run.children =
            pending.children.into_iter().map(|child| (child.initiated_event_id, child)).collect();
        for row in pending.updates {
            run.updates.insert(row.id, row.accepted);
        }
        for (sequence, event) in pending.buffered {
            let event = HistoryEvent::decode(event.as_slice())
                .map_err(|error| StoreError::Damaged(format!("a buffered event: {error}")))?;
            run.buffered.push((sequence, event));
        }
        debug_assert_eq!(run.activities.len(), run.activity_ids.len(), "each activity has an id");
        debug_assert_eq!(run.timers.len(), run.timer_ids.len(), "each timer has an id");
        Ok(run)
    }

    fn empty(row: RunRow) -> Self {
        Self {
            row,
            activities: BTreeMap::new(),
            activity_ids: HashMap::new(),
            timers: BTreeMap::new(),
            timer_ids: HashMap::new(),
            children: BTreeMap::new(),
            updates: BTreeMap::new(),
            buffered: Vec::new(),
            volatile: Volatile::default(),
            tail: Vec::new(),
            changes: Changes::default(),
        }
    }

    pub(crate) fn key(&self) -> RunKey {
        self.row.key
    }

    pub(crate) fn is_open(&self) -> bool {
        self.row.is_open()
    }

    pub(crate) fn execution(&self) -> common::WorkflowExecution {
        common::WorkflowExecution {
            workflow_id: self.row.workflow_id.clone(),
            run_id: self.row.run_id.to_string(),
        }
    }

    /// The store does not have it yet.
    pub(crate) fn is_new(&self) -> bool {
        self.changes.is_new
    }

    /// The workflow task that is scheduled or being worked on, stored or not.
    pub(crate) fn workflow_task(&self) -> Option<&WorkflowTaskRecord> {
        let speculative = self.volatile.speculative.as_ref();
        self.row.record.workflow_task.as_ref().or(speculative.map(|speculative| &speculative.task))
    }

    /// True the first time in a transaction.
    pub(crate) fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.changes.touched, true)
    }

    // --- changing ---------------------------------------------------------------------------

    /// The state, to be changed.
    pub(crate) fn state(&mut self) -> &mut RunRow {
        self.changes.row = true;
        &mut self.row
    }

    /// The search attributes, to be changed.
    pub(crate) fn search_attributes(&mut self) -> &mut common::SearchAttributes {
        self.changes.search_attributes = true;
        self.state().record.search_attributes.get_or_insert_default()
    }

    pub(crate) fn put_activity(&mut self, record: ActivityRecord) {
        let id = record.scheduled_event_id;
        debug_assert!(id < self.row.record.next_event_id, "an activity is in the history first");
        self.changes.activities.insert(id);
        self.activity_ids.insert(record.activity_id.clone(), id);
        self.activities.insert(id, record);
        debug_assert_eq!(self.activities.len(), self.activity_ids.len(), "each activity has an id");
    }

    pub(crate) fn remove_activity(
        &mut self,
        scheduled_event_id: EventId,
    ) -> Option<ActivityRecord> {
        let record = self.activities.remove(&scheduled_event_id)?;
        self.activity_ids.remove(&record.activity_id);
        debug_assert_eq!(self.activities.len(), self.activity_ids.len(), "each activity has an id");
        self.changes.activities.insert(scheduled_event_id);
        if record.armed != 0 {
            self.disarm(record.armed, TimerKind::Activity as i64, scheduled_event_id);
        }
        Some(record)
    }

    pub(crate) fn put_timer(&mut self, record: TimerRecord) {
        let id = record.started_event_id;
        debug_assert!(id < self.row.record.next_event_id, "a timer is in the history first");
        debug_assert!(!self.timers.contains_key(&id), "a timer is started once");
        self.arm(record.due, TimerKind::User, record.started_event_id);
        self.changes.timers.insert(record.started_event_id);
        self.timer_ids.insert(record.timer_id.clone(), record.started_event_id);
        self.timers.insert(record.started_event_id, record);
        debug_assert_eq!(self.timers.len(), self.timer_ids.len(), "each timer has an id");
    }

    pub(crate) fn remove_timer(&mut self, started_event_id: EventId) -> Option<TimerRecord> {
        let record = self.timers.remove(&started_event_id)?;
        self.timer_ids.remove(&record.timer_id);
        debug_assert_eq!(self.timers.len(), self.timer_ids.len(), "each timer has an id");
        self.changes.timers.insert(started_event_id);
        self.disarm(record.due, TimerKind::User as i64, started_event_id);
        Some(record)
    }

    pub(crate) fn put_child(&mut self, record: ChildRecord) {
        let id = record.initiated_event_id;
        debug_assert!(id < self.row.record.next_event_id, "a child is in the history first");
        self.changes.children.insert(id);
        self.children.insert(record.initiated_event_id, record);
    }

    pub(crate) fn remove_child(&mut self, initiated_event_id: EventId) -> Option<ChildRecord> {
        let record = self.children.remove(&initiated_event_id)?;
        self.changes.children.insert(initiated_event_id);
        Some(record)
    }

    /// The workflow accepted an update, with the event of that id.
    pub(crate) fn accept_update(&mut self, id: &str, accepted: EventId) {
        let before = self.updates.insert(id.to_owned(), accepted);
        debug_assert!(before.is_none(), "an update is accepted once");
        self.remove_admitted(id);
        self.state().record.updates += 1;
        self.changes.updates.push(UpdateRow { id: id.to_owned(), accepted, completed: 0 });
    }

    /// Tell whether an update is on record here, admitted or accepted.
    pub(crate) fn knows_update(&self, id: &str) -> bool {
        let mut admitted = self.row.record.admitted.iter();
        self.updates.contains_key(id)
            || self.changes.updates.iter().any(|update| update.id == id)
            || admitted.any(|record| record.update_id == id)
    }

    /// An update that is on record as admitted is not waited for any more.
    pub(crate) fn remove_admitted(&mut self, id: &str) {
        if self.row.record.admitted.iter().any(|record| record.update_id == id) {
            self.state().record.admitted.retain(|record| record.update_id != id);
        }
    }

    /// An accepted update has its outcome, in the event of that id.
    pub(crate) fn complete_update(&mut self, id: &str, completed: EventId) {
        if let Some(accepted) = self.updates.remove(id) {
            debug_assert!(accepted < completed, "an update completes after it was accepted");
            self.changes.updates.push(UpdateRow { id: id.to_owned(), accepted, completed });
        }
    }

    /// Something is about to be written: the workflow task is one after all, and comes before it. While
    /// a worker has it, its events are written when it ends, as those of any task are; but who has it is
    /// not said then, as on a server.
    pub(crate) fn keep_speculative(&mut self) {
        let Some(Speculative { task, scheduled }) = self.volatile.speculative.take() else {
            return;
        };
        debug_assert!(self.row.record.workflow_task.is_none(), "a run has one workflow task");
        let lease = self.volatile.lease.as_mut();
        for event in lease.into_iter().flat_map(|lease| &mut lease.unwritten) {
            if let Some(Attributes::WorkflowTaskStartedEventAttributes(a)) = &mut event.attributes {
                a.identity.clear();
            }
        }
        let unwritten = self.volatile.lease.is_some();
        self.state().record.workflow_task = Some(WorkflowTaskRecord { unwritten, ..task });
        if !unwritten {
            self.append_event(scheduled);
        }
    }

    pub(crate) fn arm(&mut self, due: i64, kind: TimerKind, subject: i64) {
        self.changes.armed.push((self.timer_row(due, kind as i64, subject), true));
    }

    pub(crate) fn disarm(&mut self, due: i64, kind: i64, subject: i64) {
        self.changes.armed.push((self.timer_row(due, kind, subject), false));
    }

    fn timer_row(&self, due: i64, kind: i64, subject: i64) -> TimerRow {
        TimerRow { due: Timestamp(due), run: self.row.key, kind, subject }
    }

    /// Nothing is pending any more.
    pub(crate) fn clear_pending(&mut self) {
        for id in self.activities.keys().copied().collect::<Vec<_>>() {
            self.remove_activity(id);
        }
        for id in self.timers.keys().copied().collect::<Vec<_>>() {
            self.remove_timer(id);
        }
        for id in self.children.keys().copied().collect::<Vec<_>>() {
            self.remove_child(id);
        }
        self.clear_buffered();
        debug_assert!(
            self.activities.is_empty() && self.activity_ids.is_empty(),
            "no activity is left"
        );
        debug_assert!(self.timers.is_empty() && self.timer_ids.is_empty(), "no timer is left");
        if self.row.record.has_request_ids {
            self.state().record.has_request_ids = false;
            self.changes.clear_request_ids = true;
        }
        for (due, kind) in [
            (self.row.record.run_expiration, TimerKind::RunTimeout),
            (self.row.record.backoff_until, TimerKind::Backoff),
        ] {
            if due != 0 {
                self.disarm(due, kind as i64, 0);
            }
        }
    }

    // --- appending --------------------------------------------------------------------------

    /// Append an event and tell its id. The one way into a history.
    pub(crate) fn append(&mut self, env: &Env, attributes: Attributes) -> EventId {
        self.append_event(make_event(env, attributes))
    }

    /// Append an event that was made before; its id is set here.
    pub(crate) fn append_event(&mut self, mut event: HistoryEvent) -> EventId {
        debug_assert!(self.is_open(), "a closed history does not grow");
        debug_assert!(event.attributes.is_some(), "an event says what happened");
        self.keep_speculative();
        let id = self.row.record.next_event_id;
        event.event_id = id;
        event.task_id = id;
        if self.changes.fragments.last().is_none_or(|(_, bytes)| bytes.len() >= FRAGMENT_BYTES) {
            self.changes.fragments.push((id, Vec::new()));
        }
        if let Some((_, bytes)) = self.changes.fragments.last_mut() {
            let before = bytes.len();
            fragment::push(bytes, &event);
            let grown = bytes.len() - before;
            self.row.record.history_bytes += i64::try_from(grown).unwrap_or(0);
        }
        self.row.record.next_event_id += 1;
        self.changes.row = true;
        id
    }

    /// Append what comes from outside, or buffer it while a workflow task is being worked on.
    /// `None`: buffered.
    pub(crate) fn append_external(&mut self, event: HistoryEvent) -> Option<EventId> {
        if self.volatile.lease.is_none() {
            debug_assert!(self.buffered.is_empty(), "buffered events come first");
            return Some(self.append_event(event));
        }
        self.keep_speculative();
        self.buffer(event);
        None
    }

    /// Keep an event until the workflow task ends, or for good when the run closes with it.
    pub(crate) fn buffer(&mut self, event: HistoryEvent) {
        // Sequences go on from the last, so that rows of events taken and restored never collide.
        let sequence = self.buffered.last().map_or(1, |(sequence, _)| sequence + 1);
        debug_assert!(self.is_open(), "a closed run buffers nothing");
        self.changes.buffered.push(sequence);
        self.buffered.push((sequence, event));
    }

    /// Take everything that was buffered.
    pub(crate) fn clear_buffered(&mut self) -> Vec<HistoryEvent> {
        if self.buffered.is_empty() {
            return Vec::new();
        }
        self.changes.clear_buffered = true;
        self.changes.buffered.clear();
        self.buffered.drain(..).map(|(_, event)| event).collect()
    }

    /// Put back some of what [`Self::clear_buffered`] took.
    pub(crate) fn restore_buffered(&mut self, events: Vec<HistoryEvent>) {
        debug_assert!(self.buffered.is_empty(), "everything was taken");
        for (index, event) in events.into_iter().enumerate() {
            let sequence = i64::try_from(index).unwrap_or(i64::MAX - 1) + 1;
            self.changes.buffered.push(sequence);
            self.buffered.push((sequence, event));
        }
    }

    // --- reading ----------------------------------------------------------------------------

    /// The fragments from the one that holds `from` on that are in memory, written or about to be.
    /// `None`: some of them are only in the store.
    pub(crate) fn recent(&self, from: EventId) -> Option<Vec<Fragment>> {
        let unwritten = self.changes.fragments.iter().map(|(first, bytes)| Fragment {
            first: *first,
            events: Bytes::copy_from_slice(bytes),
        });
        let all: Vec<Fragment> = self.tail.iter().cloned().chain(unwritten).collect();
        let at = all.iter().rposition(|fragment| fragment.first <= from)?;
        Some(all[at..].to_vec())
    }

    /// Fragments that are about to be written.
    pub(crate) fn unwritten(&self) -> impl Iterator<Item = Fragment> {
        self.changes
            .fragments
            .iter()
            .map(|(first, bytes)| Fragment { first: *first, events: Bytes::copy_from_slice(bytes) })
    }

    pub(crate) fn has_changed_updates(&self) -> bool {
        !self.changes.updates.is_empty()
    }

    pub(crate) fn has_new_events(&self) -> bool {
        !self.changes.fragments.is_empty()
    }
}

/// An event of now, without an id.
pub(crate) fn make_event(env: &Env, mut attributes: Attributes) -> HistoryEvent {
    causes::cut(&mut attributes);
    HistoryEvent {
        event_time: Some(timestamp(env.now)),
        event_type: event::event_type(&attributes).into(),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    }
}

/// Fragments from the one that holds `from` on, with `limit` events if there are so many and they fit on
/// a page: from memory where they are there.
pub(crate) fn fragments_from(
    store: &mut dyn Store,
    run: Option<&Run>,
    key: RunKey,
    from: EventId,
    limit: usize,
) -> Result<Vec<Fragment>> {
    if let Some(recent) = run.and_then(|run| run.recent(from)) {
        return Ok(recent);
    }
    let enough = from.saturating_add(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut budget = page::READ_BYTES;
    loop {
        let mut fragments = store.history(key, from, budget)?;
        let bytes: usize = fragments.iter().map(|fragment| fragment.events.len()).sum();
        if bytes < budget {
            fragments.extend(run.into_iter().flat_map(Run::unwritten));
            return Ok(fragments);
        }
        if budget >= page::PAGE_BYTES || fragments.last().is_some_and(|last| last.first >= enough) {
            return Ok(fragments);
        }
        budget = page::PAGE_BYTES;
    }
}
