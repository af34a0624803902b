//! What clients are shown, compared with what is on the disk.

use std::collections::{BTreeMap, BTreeSet};

use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{EventType, WorkflowExecutionStatus};
use temporalio_protos::temporal::api::history::v1::HistoryEvent;
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeWorkflowExecutionRequest, ListWorkflowExecutionsRequest,
};

use super::disk::RunRow;
use super::invariants::is_open;
use super::relations::Stage;
use super::support::Server;
use super::support::values::NAMESPACE;
use super::world::{Checked, World, require};
use super::{alone, deletions};

pub(crate) type Listed = BTreeSet<(String, i32)>;

pub(crate) fn of_rows<'a>(rows: impl Iterator<Item = &'a RunRow>) -> Listed {
    rows.map(|row| (row.run_id.clone(), row.status)).collect()
}

impl World {
    /// All events of a run, as others than the engine see them. `None`: nobody looks, or it is deleted.
    pub(super) fn written(&self, run_id: &str) -> Option<Vec<HistoryEvent>> {
        let written = self.disk.written(run_id)?;
        (!written.is_empty() || !self.deletions.may_have(run_id)).then_some(written)
    }

    /// What somebody outside is told of a run is on the disk when it is told. Of a workflow task that a
    /// worker has, the beginning is shown and written when it ends.
    pub(super) fn require_written(
        &self,
        invariant: &'static str,
        run_id: &str,
        told: &[HistoryEvent],
    ) -> Checked {
        let Some(written) = self.written(run_id) else { return Ok(()) };
        let types = [EventType::WorkflowTaskScheduled, EventType::WorkflowTaskStarted];
        let mut told = told.iter().filter(|event| !types.contains(&event.event_type()));
        let stray = told.find(|event| !written.contains(event));
        let checked = require(invariant, stray.is_none(), || format!("{stray:?} of run {run_id}"));
        checked.map_err(|violation| violation.within(&written))
    }

    /// Lists, counts, descriptions and histories tell what is on the disk.
    pub(super) fn compare_with_what_clients_see(&mut self) -> Checked {
        self.faults.heal();
        self.settle()?;
        alone::compare(self)?;
        deletions::compare(self)?;
        let rows: Vec<_> = self.rows.iter().filter(|row| !row.alone).cloned().collect();
        let workflow_id = format!("w{}", self.rng.below(12));
        let by_id = format!("WorkflowId = '{workflow_id}'");
        self.compare_list("", &of_rows(rows.iter()))?;
        let running = rows.iter().filter(|row| is_open(row));
        self.compare_list("ExecutionStatus = 'Running'", &of_rows(running))?;
        let namesakes = rows.iter().filter(|row| row.workflow_id == workflow_id);
        self.compare_list(&by_id, &of_rows(namesakes.clone()))?;
        let done = namesakes.filter(|row| row.status == WorkflowExecutionStatus::Completed as i32);
        self.compare_list(&format!("{by_id} AND ExecutionStatus = 'Completed'"), &of_rows(done))?;
        self.compare_groups(&rows)?;
        match self.rng.pick(&rows).cloned() {
            Some(row) => {
                self.compare_description(&row)?;
                self.compare_history(&row)
            }
            None => Ok(()),
        }
    }

    fn compare_list(&mut self, query: &str, expected: &Listed) -> Checked {
        let page_size = i32::try_from(self.rng.below(5)).unwrap();
        let namespace = NAMESPACE.to_owned();
        let mut request = ListWorkflowExecutionsRequest {
            namespace,
            page_size,
            query: query.to_owned(),
            ..Default::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = self.ask(&request)?;
            let runs = page.executions.into_iter();
            listed.extend(runs.map(|run| (run.execution.unwrap().run_id, run.status)));
            if page.next_page_token.is_empty() {
                break;
            }
            request.next_page_token = page.next_page_token;
        }
        let unique: Listed = listed.iter().cloned().collect();
        let same = unique == *expected && unique.len() == listed.len();
        require("a list has every run once", same, || {
            format!("{query:?}: {listed:?} instead of {expected:?}")
        })?;
        let count = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
        };
        let count = self.ask(&count)?.count;
        require(
            "a count counts every run once",
            usize::try_from(count) == Ok(expected.len()),
            || format!("{query:?}: {count} instead of {}", expected.len()),
        )
    }

    fn compare_groups(&mut self, rows: &[RunRow]) -> Checked {
        let mut expected = BTreeMap::<String, i64>::new();
        for row in rows {
            let status = WorkflowExecutionStatus::try_from(row.status).unwrap();
            *expected.entry(format!("{status:?}")).or_default() += 1;
        }
        let request = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: "GROUP BY ExecutionStatus".to_owned(),
        };
        let groups = self.ask(&request)?.groups;
        let counts: BTreeMap<_, _> = groups
            .iter()
            .map(|group| {
                let name = group.group_values[0].data.as_slice();
                (String::from_utf8_lossy(name).trim_matches('"').to_owned(), group.count)
            })
            .collect();
        require("a count counts every run once", counts == expected, || {
            format!("by status: {counts:?} instead of {expected:?}")
        })
    }

    fn compare_description(&mut self, row: &RunRow) -> Checked {
        let execution =
            WorkflowExecution { workflow_id: row.workflow_id.clone(), run_id: row.run_id.clone() };
        let request = DescribeWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(execution),
        };
        let told = self.ask(&request)?;
        // To describe a run that was not in memory is to let in what was held back.
        self.read_histories(&BTreeMap::new())?;
        let audit = &self.audits[&row.key];
        let holds_back = !self.disk.buffered(row.key).is_empty();
        let activities = audit.activities.len();
        let children = audit.relations.children.values();
        let children = children.filter(|child| matches!(child.stage, Stage::Started(_))).count();
        let (activities, children) = if is_open(row) { (activities, children) } else { (0, 0) };
        let fits = told.workflow_execution_info.as_ref().is_some_and(|info| {
            // A workflow task that a worker has is shown, though it is written when it ends.
            let unwritten = info.history_length - (audit.next - 1);
            info.status == row.status && (0..=if is_open(row) { 2 } else { 0 }).contains(&unwritten)
        });
        let pending = holds_back
            || told.pending_activities.len() == activities
                && told.pending_children.len() == children;
        require("a description is of what is there", fits && pending, || {
            format!("{row:?}, {activities} activities, {children} children: {told:?}")
        })
    }

    fn compare_history(&mut self, row: &RunRow) -> Checked {
        let execution =
            WorkflowExecution { workflow_id: row.workflow_id.clone(), run_id: row.run_id.clone() };
        let mut request = Server::history_request(&execution);
        request.maximum_page_size = i32::try_from(self.rng.below(20)).unwrap();
        let mut events = Vec::new();
        loop {
            let page = self.ask(&request)?;
            events.extend(page.history.unwrap_or_default().events);
            if page.next_page_token.is_empty() {
                break;
            }
            request.next_page_token = page.next_page_token;
        }
        let written = self.disk.events(row.key, 1);
        let same = events.starts_with(&written)
            && events[written.len()..].iter().all(|event| {
                let types = [EventType::WorkflowTaskScheduled, EventType::WorkflowTaskStarted];
                is_open(row) && types.contains(&event.event_type())
            });
        require("a history is shown as it is", same, || {
            let differs = events.iter().zip(&written).find(|(shown, written)| shown != written);
            let more = events.get(written.len()..);
            format!("{row:?}: {differs:?}, or written {} and then {more:?}", written.len())
        })
    }
}
