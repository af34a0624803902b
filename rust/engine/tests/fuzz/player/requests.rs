//! Valid requests of every kind, about what there is.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::{SearchAttributes, WorkflowExecution};
use temporalio_protos::temporal::api::enums::v1::UpdateWorkflowExecutionLifecycleStage as Stage;
use temporalio_protos::temporal::api::query::v1::WorkflowQuery;
use temporalio_protos::temporal::api::workflowservice::v1::execute_multi_operation_request::{
    Operation, operation::Operation as Kind,
};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::answers;
use super::live::Live;
use super::source::Source;
use super::support::Server;
use super::support::update::{poll_request, request};
use super::support::values::{
    NAMESPACE, QUEUE, payloads, queue, retry_policy, secs, sticky_queue, workflow_type,
};

/// A valid request for the method; for one that is not known here, of another method.
pub(crate) fn valid(method: &str, live: &mut Live, source: &mut Source) -> Vec<u8> {
    let namespace = NAMESPACE.to_owned();
    match method {
        "GetSystemInfo" => GetSystemInfoRequest {}.encode_to_vec(),
        "DescribeNamespace" => {
            DescribeNamespaceRequest { namespace, ..Default::default() }.encode_to_vec()
        }
        "RegisterNamespace" => RegisterNamespaceRequest {
            namespace: format!("space {}", source.byte()),
            workflow_execution_retention_period: secs(86400),
            ..Default::default()
        }
        .encode_to_vec(),
        "StartWorkflowExecution" => start(source).encode_to_vec(),
        "PollWorkflowTaskQueue" => answers::workflow_poll(source).encode_to_vec(),
        "PollActivityTaskQueue" => Server::activity_poll().encode_to_vec(),
        "ShutdownWorker" => ShutdownWorkerRequest {
            namespace,
            worker_instance_key: "instance".to_owned(),
            sticky_task_queue: "sticky".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "ListWorkflowExecutions" => ListWorkflowExecutionsRequest {
            namespace,
            query: query_text(source),
            page_size: 2,
            ..Default::default()
        }
        .encode_to_vec(),
        "CountWorkflowExecutions" => {
            CountWorkflowExecutionsRequest { namespace, query: query_text(source) }.encode_to_vec()
        }
        "ExecuteMultiOperation" => {
            let start = start(source);
            let run =
                WorkflowExecution { workflow_id: start.workflow_id.clone(), ..Default::default() };
            let update = request(&run, &update_id(source), Stage::Completed);
            let operations = [Kind::StartWorkflow(start), Kind::UpdateWorkflow(update)];
            ExecuteMultiOperationRequest {
                namespace,
                operations: operations.map(|kind| Operation { operation: Some(kind) }).into(),
                ..Default::default()
            }
            .encode_to_vec()
        }
        _ => of_run(method, &live.run(source), source)
            .or_else(|| answers::valid(method, live, source))
            .unwrap_or_else(|| start(source).encode_to_vec()),
    }
}

/// The same, where the request is about a run.
fn of_run(method: &str, run: &WorkflowExecution, source: &mut Source) -> Option<Vec<u8>> {
    let (namespace, execution) = (NAMESPACE.to_owned(), Some(run.clone()));
    Some(match method {
        "SignalWorkflowExecution" => SignalWorkflowExecutionRequest {
            namespace,
            workflow_execution: execution,
            signal_name: "go".to_owned(),
            input: payloads("now"),
            request_id: format!("signal {}", source.byte()),
            ..Default::default()
        }
        .encode_to_vec(),
        "SignalWithStartWorkflowExecution" => SignalWithStartWorkflowExecutionRequest {
            namespace,
            workflow_id: run.workflow_id.clone(),
            workflow_type: workflow_type("Pipeline"),
            task_queue: queue(QUEUE),
            signal_name: "go".to_owned(),
            request_id: format!("request {}", source.byte()),
            ..Default::default()
        }
        .encode_to_vec(),
        "RequestCancelWorkflowExecution" => RequestCancelWorkflowExecutionRequest {
            namespace,
            workflow_execution: execution,
            reason: "changed my mind".to_owned(),
            ..Default::default()
        }
        .encode_to_vec(),
        "TerminateWorkflowExecution" => TerminateWorkflowExecutionRequest {
            namespace,
            workflow_execution: execution,
            details: payloads("enough"),
            ..Default::default()
        }
        .encode_to_vec(),
        "DescribeWorkflowExecution" => {
            DescribeWorkflowExecutionRequest { namespace, execution }.encode_to_vec()
        }
        "GetWorkflowExecutionHistory" => GetWorkflowExecutionHistoryRequest {
            namespace,
            execution,
            maximum_page_size: 3,
            wait_new_event: source.one_in(4),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => return that_asks(method, run, source),
    })
}

/// The same, where the workflow itself is asked.
fn that_asks(method: &str, run: &WorkflowExecution, source: &mut Source) -> Option<Vec<u8>> {
    let namespace = NAMESPACE.to_owned();
    Some(match method {
        "QueryWorkflow" => QueryWorkflowRequest {
            namespace,
            execution: Some(run.clone()),
            query: Some(WorkflowQuery {
                query_type: "progress".to_owned(),
                query_args: payloads("please"),
                ..Default::default()
            }),
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateWorkflowExecution" => {
            request(run, &update_id(source), stage(source)).encode_to_vec()
        }
        "PollWorkflowExecutionUpdate" => {
            poll_request(run, &update_id(source), stage(source)).encode_to_vec()
        }
        _ => return None,
    })
}

pub(crate) fn update_id(source: &mut Source) -> String {
    format!("update {}", source.below(6))
}

fn stage(source: &mut Source) -> Stage {
    *source.pick(&[Stage::Unspecified, Stage::Accepted, Stage::Completed]).unwrap()
}

fn query_text(source: &mut Source) -> String {
    let queries = [
        "",
        "WorkflowId='waits' OR TaskQueue = \"work\"",
        "ExecutionStatus='Running' AND (WorkflowType='Pipeline')",
        "TaskQueue='work' GROUP BY ExecutionStatus",
        "StartTime > '2023-11-14T22:13:20Z'",
    ];
    (*source.pick(&queries).unwrap()).to_owned()
}

/// A start of a workflow with everything that there is to say about one.
fn start(source: &mut Source) -> StartWorkflowExecutionRequest {
    let rich = source.one_in(2);
    StartWorkflowExecutionRequest {
        request_id: format!("start {}", source.byte()),
        input: payloads("input"),
        workflow_execution_timeout: if rich { secs(7200) } else { None },
        workflow_run_timeout: if rich { secs(3600) } else { None },
        workflow_task_timeout: secs(10),
        retry_policy: if rich { retry_policy(3) } else { None },
        cron_schedule: if source.one_in(6) { "*/5 * * * *".to_owned() } else { String::new() },
        workflow_start_delay: if source.one_in(6) { secs(30) } else { None },
        search_attributes: rich.then(SearchAttributes::default),
        memo: rich.then(Default::default),
        header: rich.then(Default::default),
        workflow_id_reuse_policy: source.below(5).try_into().unwrap(),
        workflow_id_conflict_policy: source.below(4).try_into().unwrap(),
        request_eager_execution: source.one_in(8),
        ..Server::start_request(&format!("started {}", source.below(6)))
    }
}

/// The sticky queue of the model worker.
pub(crate) fn sticky() -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest { task_queue: sticky_queue("sticky"), ..Server::workflow_poll() }
}
