//! Waiting for the end of a run: a long poll for its close event, along the chain of runs.

use std::time::Duration;

use prost::Message;
use temporalio_client::tonic::{Code, metadata::MetadataMap};
use temporalio_protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::HistoryEventFilterType,
    history::v1::{HistoryEvent, history_event::Attributes},
    workflowservice::v1::{
        DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
        GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse,
    },
};

use super::{
    request::route_by,
    transport::{Rpc, Transport, WORKFLOW_SERVICE},
};
use crate::{
    error::{Failure, Outcome},
    message,
};

/// A little longer than any service lets a poll hang.
const LONG_POLL: Duration = Duration::from_secs(70);

/// Typed calls of the workflow service, for what the bridge does by itself.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) transport: Transport,
    pub(crate) namespace: String,
}

impl Service {
    pub(crate) async fn call<Q, A>(
        &self,
        method: &str,
        request: &Q,
        timeout: Option<Duration>,
    ) -> Outcome<A>
    where
        Q: Message,
        A: Message + Default,
    {
        let mut metadata = MetadataMap::new();
        route_by(&mut metadata, &self.namespace)?;
        let rpc = Rpc {
            service: WORKFLOW_SERVICE.to_owned(),
            method: method.to_owned(),
            body: request.encode_to_vec().into(),
            metadata,
            timeout,
            retry: true,
        };
        message::decode(&self.transport.call(&rpc).await?)
    }

    /// The id of the latest run.
    pub(crate) async fn latest_run(&self, workflow_id: &str) -> Outcome<String> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.namespace.clone(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                run_id: String::new(),
            }),
        };
        let answer: DescribeWorkflowExecutionResponse =
            self.call("DescribeWorkflowExecution", &request, None).await?;
        answer
            .workflow_execution_info
            .and_then(|info| info.execution)
            .map(|execution| execution.run_id)
            .ok_or_else(|| Failure::internal("the service described a workflow without a run"))
    }

    /// Read a page of a run's history.
    pub(crate) async fn history_page(
        &self,
        run: &WorkflowExecution,
        next_page_token: Vec<u8>,
        wait: bool,
    ) -> Outcome<GetWorkflowExecutionHistoryResponse> {
        let filter = if wait {
            HistoryEventFilterType::CloseEvent
        } else {
            HistoryEventFilterType::AllEvent
        };
        let request = GetWorkflowExecutionHistoryRequest {
            namespace: self.namespace.clone(),
            execution: Some(run.clone()),
            next_page_token,
            wait_new_event: wait,
            history_event_filter_type: filter.into(),
            skip_archival: wait,
            ..GetWorkflowExecutionHistoryRequest::default()
        };
        let limit = wait.then_some(LONG_POLL);
        self.call("GetWorkflowExecutionHistory", &request, limit).await
    }
}

/// The run that a closed one hands over to, if any.
fn successor(event: &HistoryEvent) -> Option<&str> {
    let next = match event.attributes.as_ref()? {
        Attributes::WorkflowExecutionContinuedAsNewEventAttributes(end) => {
            &end.new_execution_run_id
        }
        Attributes::WorkflowExecutionCompletedEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionFailedEventAttributes(end) => &end.new_execution_run_id,
        Attributes::WorkflowExecutionTimedOutEventAttributes(end) => &end.new_execution_run_id,
        _ => return None,
    };
    (!next.is_empty()).then_some(next)
}

/// A poll without an answer in time is asked again, for as long as the caller waits.
fn only_late(failure: &Failure) -> bool {
    failure.status == Some(i32::from(Code::DeadlineExceeded))
}

/// The close event, and the run it closed.
pub(crate) async fn close_event(
    service: &Service,
    workflow_id: String,
    run_id: String,
    follow_runs: bool,
) -> Outcome<(HistoryEvent, String)> {
    let run_id = match run_id.as_str() {
        "" => service.latest_run(&workflow_id).await?,
        _ => run_id,
    };
    let mut run = WorkflowExecution { workflow_id, run_id };
    let mut token = Vec::new();
    loop {
        let page = match service.history_page(&run, token.clone(), true).await {
            Err(failure) if only_late(&failure) => continue,
            page => page?,
        };
        token = page.next_page_token;
        let mut events = page.history.map(|history| history.events).unwrap_or_default();
        let Some(event) = events.pop() else {
            continue;
        };
        match successor(&event) {
            Some(next) if follow_runs => {
                next.clone_into(&mut run.run_id);
                token = Vec::new();
            }
            _ => return Ok((event, run.run_id)),
        }
    }
}
