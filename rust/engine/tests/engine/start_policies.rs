//! `StartWorkflowExecution`: what happens when the workflow id is taken, and what a start may ask for.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::common::v1::link::Variant;
use temporalio_protos::temporal::api::common::v1::link::workflow_event::Reference;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    WorkflowExecutionStatus, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflow::v1::OnConflictOptions;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{complete, fail};
use crate::support::values::{payload_of_size, queue, secs, text, workflow_type};

/// Another start of `w`, by another request.
fn again() -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { request_id: "again".to_owned(), ..Server::start_request("w") }
}

fn reuse(policy: WorkflowIdReusePolicy) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_id_reuse_policy: policy.into(), ..again() }
}

fn conflict(policy: WorkflowIdConflictPolicy) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest { workflow_id_conflict_policy: policy.into(), ..again() }
}

#[tokio::test]
async fn a_repeated_request_gets_the_run_it_started() {
    let server = Server::in_memory();
    let first = server.call(Server::start_request("w")).await.unwrap();
    assert!(first.started);
    let again = server.call(Server::start_request("w")).await.unwrap();
    assert_eq!(again.run_id, first.run_id);
}

#[tokio::test]
async fn a_running_workflow_is_not_started_again() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    for request in [again(), conflict(WorkflowIdConflictPolicy::Fail)] {
        let error = server.call(request).await.unwrap_err();
        assert_eq!(error.code, Code::AlreadyExists);
        let details = String::from_utf8_lossy(&error.details).into_owned();
        assert!(details.contains("WorkflowExecutionAlreadyStartedFailure"), "{details:?}");
        assert!(details.contains(&run.run_id), "{details:?}");
        assert!(details.contains("start w"), "the request that started it: {details:?}");
    }
}

#[tokio::test]
async fn a_start_may_settle_for_the_run_that_is_there() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let response = server.call(conflict(WorkflowIdConflictPolicy::UseExisting)).await.unwrap();
    assert!(!response.started);
    assert_eq!(response.run_id, run.run_id);
    assert_eq!(response.status(), WorkflowExecutionStatus::Running);
}

/// A start that settles for the run that is there, and is attached to it.
fn attaching() -> StartWorkflowExecutionRequest {
    let wanted = OnConflictOptions { attach_request_id: true, ..Default::default() };
    StartWorkflowExecutionRequest {
        on_conflict_options: Some(wanted),
        ..conflict(WorkflowIdConflictPolicy::UseExisting)
    }
}

#[tokio::test]
async fn a_request_that_is_attached_finds_its_run_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let server = Server::on_file(&path);
    let run = server.start("w").await;
    let response = server.call(attaching()).await.unwrap();
    assert!(!response.started);
    let Some(Variant::WorkflowEvent(link)) = response.link.unwrap().variant else { panic!() };
    let Some(Reference::RequestIdRef(reference)) = link.reference else { panic!() };
    assert_eq!((link.run_id, reference.request_id.as_str()), (run.run_id.clone(), "again"));
    let server = server.reopen(&path);
    server.call(attaching()).await.unwrap();
    assert_eq!(
        server.event_types(&run).await,
        [WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowExecutionOptionsUpdated]
    );
    let infos = server.describe(&run).await.unwrap().workflow_extended_info.unwrap();
    assert_eq!(infos.request_id_infos["again"].event_id, 3);
    server.step([complete("done")]).await;
    let response = server.call(attaching()).await.unwrap();
    assert_eq!((response.started, response.run_id), (false, run.run_id));
}

#[tokio::test]
async fn a_request_that_is_attached_to_a_workflow_task_waits_for_its_end() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let task = server.poll().await;
    server.call(attaching()).await.unwrap();
    let infos = server.describe(&run).await.unwrap().workflow_extended_info.unwrap();
    assert!(infos.request_id_infos["again"].buffered);
    server.complete(&task, [complete("done")]).await.unwrap_err();
    let infos = server.describe(&run).await.unwrap().workflow_extended_info.unwrap();
    assert_eq!(infos.request_id_infos["again"].event_id, 5, "after the task that failed");
    let history = server.history(&run).await;
    assert!(history.0[4].worker_may_ignore);
}

#[tokio::test]
async fn a_start_may_end_the_run_that_is_there() {
    for request in [
        conflict(WorkflowIdConflictPolicy::TerminateExisting),
        #[allow(deprecated, reason = "old clients send it")]
        reuse(WorkflowIdReusePolicy::TerminateIfRunning),
    ] {
        let server = Server::in_memory();
        let run = server.start("w").await;
        let response = server.call(request).await.unwrap();
        assert!(response.started);
        assert_ne!(response.run_id, run.run_id);
        assert_eq!(server.event_types(&run).await.last(), Some(&WorkflowExecutionTerminated));
        let task = server.poll().await;
        assert_eq!(task.workflow_execution.unwrap().run_id, response.run_id);
    }
}

#[tokio::test]
async fn a_closed_workflow_may_run_again() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([complete("done")]).await;
    let response = server.call(reuse(WorkflowIdReusePolicy::AllowDuplicate)).await.unwrap();
    assert!(response.started);
    assert_ne!(response.run_id, run.run_id);
    assert_eq!(response.status(), WorkflowExecutionStatus::Running);
}

#[tokio::test]
async fn a_closed_workflow_may_be_the_last_of_its_name() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([complete("done")]).await;
    let error = server.call(reuse(WorkflowIdReusePolicy::RejectDuplicate)).await.unwrap_err();
    assert_eq!(error.code, Code::AlreadyExists);
}

#[tokio::test]
async fn a_start_may_depend_on_how_the_last_run_ended() {
    let server = Server::in_memory();
    server.start("w").await;
    server.step([complete("done")]).await;
    let request = reuse(WorkflowIdReusePolicy::AllowDuplicateFailedOnly);
    assert_eq!(server.call(request).await.unwrap_err().code, Code::AlreadyExists);

    let server = Server::in_memory();
    server.start("w").await;
    server.step([fail("broken")]).await;
    let request = reuse(WorkflowIdReusePolicy::AllowDuplicateFailedOnly);
    assert!(server.call(request).await.unwrap().started);
}

#[tokio::test]
async fn policies_that_contradict_each_other_are_refused() {
    let server = Server::in_memory();
    let error = server
        .call(StartWorkflowExecutionRequest {
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::TerminateExisting.into(),
            ..again()
        })
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}

#[tokio::test]
async fn a_start_without_what_it_needs_is_refused() {
    let server = Server::in_memory();
    let incomplete = [
        StartWorkflowExecutionRequest { workflow_id: String::new(), ..again() },
        StartWorkflowExecutionRequest { workflow_type: None, ..again() },
        StartWorkflowExecutionRequest { workflow_type: workflow_type(""), ..again() },
        StartWorkflowExecutionRequest { task_queue: None, ..again() },
        StartWorkflowExecutionRequest { task_queue: queue(""), ..again() },
        StartWorkflowExecutionRequest { workflow_id: "x".repeat(1001), ..again() },
    ];
    for request in incomplete {
        let error = server.call(request.clone()).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument, "{request:?}");
    }
}

#[tokio::test]
async fn a_delayed_start_waits_for_its_first_task() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        workflow_start_delay: secs(60),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    assert_eq!(server.event_types(&run).await, [WorkflowExecutionStarted]);
    server.advance_secs(59).await;
    assert!(server.idle().await);
    server.advance_secs(1).await;
    assert_eq!(server.poll().await.workflow_execution, Some(run));
}

#[tokio::test]
async fn a_signal_cuts_a_start_delay_short() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        workflow_start_delay: secs(60),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    server.signal(&run, "s").await.unwrap();
    assert_eq!(
        server.event_types(&run).await,
        [WorkflowExecutionStarted, WorkflowExecutionSignaled, WorkflowTaskScheduled]
    );
    server.step([complete("done")]).await;
}

#[tokio::test]
async fn a_run_ends_when_its_time_is_up() {
    for request in [
        StartWorkflowExecutionRequest {
            workflow_run_timeout: secs(60),
            ..Server::start_request("w")
        },
        StartWorkflowExecutionRequest {
            workflow_execution_timeout: secs(60),
            ..Server::start_request("w")
        },
    ] {
        let server = Server::in_memory();
        let run = server.start_with(request).await;
        server.poll().await;
        server.advance_secs(60).await;
        let types = server.event_types(&run).await;
        assert_eq!(types.last(), Some(&WorkflowExecutionTimedOut), "{types:?}");
        assert!(server.idle().await);
    }
}

#[tokio::test]
async fn a_payload_of_two_mebibytes_is_carried() {
    let server = Server::in_memory();
    let size = 2 * 1024 * 1024 - 1024;
    let request = StartWorkflowExecutionRequest {
        input: payload_of_size(size),
        ..Server::start_request("w")
    };
    let run = server.start_with(request).await;
    let history = server.history(&run).await;
    assert!(prost::Message::encoded_len(&history.0[0]) > size);
    assert_eq!(server.poll().await.workflow_execution, Some(run));
}

#[tokio::test]
async fn a_larger_payload_is_refused_and_the_error_says_why() {
    let server = Server::in_memory();
    let request = StartWorkflowExecutionRequest {
        input: payload_of_size(2 * 1024 * 1024 + 1),
        ..Server::start_request("w")
    };
    let error = server.call(request).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert!(error.message.contains("limit"), "{}", error.message);
}

#[tokio::test]
async fn a_run_that_is_replaced_says_by_which() {
    let server = Server::in_memory();
    let first = server.start("w").await;
    let request = StartWorkflowExecutionRequest {
        request_id: "another".to_owned(),
        workflow_id_conflict_policy: WorkflowIdConflictPolicy::TerminateExisting.into(),
        ..Server::start_request("w")
    };
    let second = server.start_with(request).await;
    let history = server.history(&first).await;
    let Attributes::WorkflowExecutionTerminatedEventAttributes(terminated) = history.last() else {
        panic!("{:?}", history.types());
    };
    assert_eq!(terminated.reason, "TerminateIfRunning WorkflowIdReusePolicy");
    let details = text(terminated.details.as_ref());
    assert_eq!(details, format!("\"terminated by new runID: {}\"", second.run_id));
}
