//! Questions to a workflow, answered by its worker out of memory. Nothing of them is ever stored.
//!
//! A query whose run has, or is about to have, a workflow task waits and goes with that task, so
//! that the answer reflects everything that happened before the question. When there is no task to
//! goes with, the query is *direct*: an entry of its own in a task queue, first in the queue of the
//! worker that has the run in its cache, and in everybody's queue when that worker does not take it.

use prost::Message;

use crate::history::{fragment, page};
use crate::ids::{QueryId, QueryToken, RunKey};
use crate::proto::enums::QueryResultType;
use crate::proto::query::{WorkflowQuery, WorkflowQueryResult};
use crate::proto::service::{PollWorkflowTaskQueueResponse, QueryWorkflowResponse};
use crate::proto::{common, errordetails, failure, normal_queue};
use crate::state::queries::Query;
use crate::state::reply::{Reply, Responder};
use crate::state::run::fragments_from;
use crate::state::task_queues::{ParkedAt, QueueKey, QueueKind};
use crate::state::timers::TaskTimer;
use crate::store::RunRow;
use crate::transaction::context::{CallError, Context};
use crate::{Code, RpcStatus};

/// `PollWorkflowTaskQueueResponse.history`.
const HISTORY_TAG: u32 = 8;

impl Context {
    /// Ask: the caller waits until the query is answered or its time is over.
    pub(crate) fn ask(
        &mut self,
        run: RunKey,
        question: WorkflowQuery,
        responder: Responder,
    ) -> Result<(), CallError> {
        let bytes = self.env.entropy.bytes();
        let mut id = [0; 8];
        id.copy_from_slice(&bytes[..8]);
        let id = QueryId::from_be_bytes(id);
        let expires = self.expiry(crate::state::waiters::LONG_POLL);
        let ticket = self.matching.park(expires, ParkedAt::Query(id));
        self.queries.by_id.insert(id, Query { run, question, responder, ticket, direct: false });
        self.queries.by_run.entry(run).or_default().push(id);
        self.release_queries(run)
    }

    /// Ask directly what has no workflow task to goes with any more.
    pub(crate) fn release_queries(&mut self, key: RunKey) -> Result<(), CallError> {
        let waiting = self.queries.attached(key);
        if waiting.is_empty() {
            return Ok(());
        }
        let Some(row) = self.row(key)? else { return Ok(()) };
        let run = self.runs.get(&key);
        let has_task =
            run.map_or(row.record.workflow_task.is_some(), |run| run.workflow_task().is_some());
        if row.is_open() && has_task {
            return Ok(());
        }
        for id in waiting {
            if let Some(query) = self.queries.by_id.get_mut(&id) {
                query.direct = true;
            }
            self.offer_query(&row, id)?;
        }
        Ok(())
    }

    fn offer_query(&mut self, row: &RunRow, id: QueryId) -> Result<(), CallError> {
        let normal = QueueKey {
            namespace: row.namespace,
            kind: QueueKind::Workflow,
            name: row.task_queue.clone(),
        };
        let sticky = self.runs.get(&row.key).and_then(|run| run.volatile.sticky.clone());
        if let Some(sticky) = sticky {
            let queue = QueueKey { name: sticky.queue, ..normal.clone() };
            if self.matching.is_seen(&queue, self.env.wall) {
                let due = self.env.steady.after(sticky.schedule_to_start);
                self.env.task_timers.push((due, TaskTimer::StickyQuery(id)));
                return self.queue_query(&queue, id);
            }
        }
        self.queue_query(&normal, id)
    }

    fn queue_query(&mut self, queue: &QueueKey, id: QueryId) -> Result<(), CallError> {
        self.matching.queue(queue).queries.push_back(id);
        self.feed(queue)
    }

    /// The worker that has the run in its cache has not answered in time: anybody may.
    pub(crate) fn query_timed_out(&mut self, id: QueryId) -> Result<(), CallError> {
        let Some(query) = self.queries.by_id.get(&id) else { return Ok(()) };
        let key = query.run;
        if let Some(run) = self.runs.get_mut(&key) {
            run.volatile.sticky = None;
        }
        let Some(row) = self.row(key)? else { return Ok(()) };
        self.offer_query(&row, id)
    }

    /// The answer to a poll that takes this query; `None`: nobody asks it any more.
    pub(crate) fn query_response(
        &mut self,
        queue: &QueueKey,
        id: QueryId,
    ) -> Result<Option<Vec<u8>>, CallError> {
        if !self.queries.is_asked(id) {
            return Ok(None);
        }
        let Some(query) = self.queries.by_id.get(&id) else { return Ok(None) };
        let (key, question) = (query.run, query.question.clone());
        let Some(row) = self.row(key)? else { return Ok(None) };
        let mut head = response_head(&row, id, question);
        let mut events = Vec::new();
        if queue.name == row.task_queue {
            let run = self.runs.get(&key);
            let limit = page::PAGE_EVENTS;
            let fragments = fragments_from(self.store.as_mut(), run, key, 1, limit)?;
            let (first, next) = page::cut(&fragments, 1, limit);
            events = first;
            if next < row.record.next_event_id {
                head.next_page_token = page::token(&row, next, false).encode_to_vec();
            }
        }
        let mut body = head.encode_to_vec();
        fragment::put_field(&mut body, HISTORY_TAG, &events);
        Ok(Some(body))
    }

    /// The queries that goes with a workflow task, as more of the encoded answer to its poll.
    pub(crate) fn attached_queries(&self, key: RunKey) -> Vec<u8> {
        let ids = self.queries.attached(key);
        let asked = ids.into_iter().filter(|id| self.queries.is_asked(*id));
        let queries = asked
            .filter_map(|id| Some((id.to_string(), self.queries.by_id.get(&id)?.question.clone())));
        let more =
            PollWorkflowTaskQueueResponse { queries: queries.collect(), ..Default::default() };
        more.encode_to_vec()
    }

    /// A worker answered a query that went with a workflow task.
    pub(crate) fn answer_attached(&mut self, name: &str, result: WorkflowQueryResult) {
        if let Ok(id) = name.parse() {
            let WorkflowQueryResult { result_type, answer, error_message, failure } = result;
            self.answer_query(id, result_type, answer, error_message, failure);
        }
    }

    /// A worker answered a query; false when nobody asks it any more.
    pub(crate) fn answer_query(
        &mut self,
        id: QueryId,
        result_type: i32,
        answer: Option<common::Payloads>,
        error_message: String,
        failure: Option<failure::Failure>,
    ) -> bool {
        let Some(query) = self.queries.take(id) else { return false };
        self.matching.unpark(query.ticket);
        let result = if result_type == i32::from(QueryResultType::Answered) {
            let response = QueryWorkflowResponse { query_result: answer, ..Default::default() };
            Ok(response.encode_to_vec().into())
        } else {
            let detail = errordetails::QueryFailedFailure { failure };
            let code = Code::InvalidArgument;
            Err(RpcStatus::with_detail(code, error_message, "QueryFailedFailure", &detail))
        };
        self.reply(query.responder, Reply::new(result));
        true
    }

    /// Refuse the queries of a run that was deleted.
    pub(crate) fn drop_queries(&mut self, key: RunKey) {
        for id in self.queries.by_run.remove(&key).unwrap_or_default() {
            let Some(query) = self.queries.by_id.remove(&id) else { continue };
            self.matching.unpark(query.ticket);
            let status = RpcStatus::not_found("the workflow execution was deleted");
            self.reply(query.responder, Reply::new(Err(status)));
        }
    }

    /// A run, open or closed, as it is now.
    pub(crate) fn row(&mut self, key: RunKey) -> Result<Option<RunRow>, CallError> {
        Ok(match self.runs.get(&key) {
            Some(run) => Some(run.row.clone()),
            None => self.store.run(key)?,
        })
    }
}

fn response_head(
    row: &RunRow,
    id: QueryId,
    question: WorkflowQuery,
) -> PollWorkflowTaskQueueResponse {
    let execution = common::WorkflowExecution {
        workflow_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
    };
    PollWorkflowTaskQueueResponse {
        task_token: QueryToken { query: id }.encode_to_vec(),
        workflow_execution: Some(execution),
        workflow_type: Some(common::WorkflowType { name: row.workflow_type.clone() }),
        previous_started_event_id: row.record.previous_started_event_id,
        attempt: 1,
        query: Some(question),
        workflow_execution_task_queue: Some(normal_queue(&row.task_queue)),
        ..Default::default()
    }
}
