//! When what is checked: histories as they grow, and everything else whenever nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_engine::simulation::Memory;
use prost::Message;
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};

use super::audit::Audit;
use super::disk::RunRow;
use super::relations::Base;
use super::world::{Checked, World, require};
use super::{family, invariants, operators};

fn signals(events: &[HistoryEvent]) -> BTreeSet<&str> {
    let names = events.iter().filter_map(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionSignaledEventAttributes(a)) => {
            Some(a.signal_name.as_str())
        }
        _ => None,
    });
    names.collect()
}

impl World {
    /// Read all histories again: they must begin as they did.
    pub(super) fn check_from_the_start(&mut self) -> Checked {
        let before = std::mem::take(&mut self.audits);
        self.ledger.look_again();
        self.read_histories(&before)?;
        let there: BTreeSet<_> = self.keys.values().collect();
        for (key, audit) in before.iter().filter(|(key, _)| there.contains(key)) {
            let reached = self.audits.get(key).is_some_and(|now| now.next >= audit.next);
            require("a history never becomes shorter", reached, || format!("run {key}"))?;
        }
        self.check()
    }

    pub(super) fn check(&mut self) -> Checked {
        self.read_histories(&BTreeMap::new())?;
        invariants::of_disk(&self.disk, &self.rows, &self.audits)?;
        let (disk, keys) = (&self.disk, &self.keys);
        let buffered = |run| disk.buffered(run);
        self.ledger.check(keys, &self.audits, &self.deletions, buffered).map_err(|violation| {
            let run = keys.iter().find(|(id, _)| violation.detail.contains(*id));
            violation.within(&run.map(|(_, key)| disk.events(*key, 1)).unwrap_or_default())
        })?;
        family::check(&self.disk, &self.rows, &self.audits, &self.deletions.gone(keys))?;
        let activities = self.disk.activities().into_iter();
        let waiting = activities.filter(|(_, found)| found.is_paused() && !found.is_started());
        self.workers.paused = waiting.map(|(activity, _)| activity).collect();
        self.check_memory(&self.engine.as_ref().unwrap().memory())
    }

    pub(super) fn check_memory(&self, memory: &Memory) -> Checked {
        let gone = &self.workers.gone;
        invariants::of_memory(&self.disk, &self.rows, &self.audits, memory, gone)
    }

    /// Read what is new in the histories. `before`: where they were once, and with what digest.
    pub(super) fn read_histories(&mut self, before: &BTreeMap<i64, Audit>) -> Checked {
        let were = std::mem::replace(&mut self.rows, self.disk.runs());
        self.keys = self.rows.iter().map(|row| (row.run_id.clone(), row.key)).collect();
        for row in were.iter().filter(|row| !self.keys.contains_key(&row.run_id)) {
            let deleted = self.deletions.may_have(&row.run_id);
            require("a run is there until it is deleted", deleted, || format!("{row:?}"))?;
            self.audits.remove(&row.key); // which may become another one's
        }
        for row in &self.rows {
            let audit = self.audits.entry(row.key).or_insert_with(Audit::of_new_run);
            let had_base = audit.relations.base.is_some();
            for bytes in self.disk.encoded_events(row.key, audit.next) {
                let event = HistoryEvent::decode(bytes.as_slice()).unwrap();
                audit
                    .read(&event, &bytes)
                    .map_err(|violation| violation.within(&self.disk.events(row.key, 1)))?;
                if before.is_empty() {
                    let kind = event.event_type().as_str_name();
                    self.summary.see(kind.trim_start_matches("EVENT_TYPE_").to_owned());
                }
                if let Some(old) = before.get(&row.key).filter(|old| old.next == audit.next) {
                    require(
                        "a history's prefix never changes",
                        old.digest == audit.digest,
                        || format!("{row:?} at {event:?}"),
                    )?;
                }
            }
            if let Some(base) = audit.relations.base.clone().filter(|_| !had_base) {
                self.compare_with_base(row, &base)?;
            }
        }
        Ok(())
    }

    /// A run that began as another one has that one's events.
    fn compare_with_base(&self, row: &RunRow, base: &Base) -> Checked {
        if self.deletions.gone(&self.keys).has_run(&base.run_id) {
            return Ok(());
        }
        let events = |key| self.disk.events(key, 1);
        let theirs = self.keys.get(&base.run_id).map(|key| events(*key)).unwrap_or_default();
        let own = events(row.key);
        let detail = || format!("{row:?} of {base:?}");
        require("a reset begins as its base did", base.is_begun_by(&own, &theirs), detail)?;
        let all =
            base.reason == operators::WITHOUT_SIGNALS || signals(&theirs).is_subset(&signals(&own));
        require("what reached the base of a reset reaches the new run", all, detail)
    }
}
