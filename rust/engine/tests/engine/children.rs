//! Child workflows: started by a command, followed to their end, and left or taken along when their
//! parent closes.

use hourglass_engine::Code;
use temporalio_protos::temporal::api::command::v1::{
    Command, StartChildWorkflowExecutionCommandAttributes,
};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    EventType, ParentClosePolicy, RetryState, StartChildWorkflowExecutionFailedCause,
    WorkflowExecutionStatus, WorkflowIdReusePolicy, WorkflowTaskFailedCause,
};
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::RequestCancelWorkflowExecutionRequest;

use crate::support::Server;
use crate::support::command::{
    cancel_external, cancel_workflow, child, complete, continue_as_new, fail, start_child,
    start_timer,
};
use crate::support::values::{NAMESPACE, retry_policy, secs, text};

/// The current run of that workflow id.
fn current(workflow_id: &str) -> WorkflowExecution {
    WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() }
}

async fn status(server: &Server, workflow_id: &str) -> WorkflowExecutionStatus {
    let described = server.describe(&current(workflow_id)).await.unwrap();
    described.workflow_execution_info.unwrap().status()
}

/// A parent that waits for its child `c`.
async fn family(server: &Server) -> WorkflowExecution {
    let parent = server.start("p").await;
    server.step([start_child(child("c"))]).await;
    server.step([]).await;
    parent
}

#[tokio::test]
async fn a_child_is_initiated_then_started_then_completed() {
    let server = Server::in_memory();
    let parent = server.start("p").await;
    server.step([start_child(child("c"))]).await;
    let task = server.poll_child().await;
    let run = task.workflow_execution.clone().unwrap();
    assert_eq!(run.workflow_id, "c");
    server.step([]).await;
    server.complete(&task, [complete("done")]).await.unwrap();

    let history = server.history(&parent).await;
    assert_eq!(
        history.types()[3..],
        [
            WorkflowTaskCompleted,
            StartChildWorkflowExecutionInitiated,
            ChildWorkflowExecutionStarted,
            WorkflowTaskScheduled,
            WorkflowTaskStarted,
            WorkflowTaskCompleted,
            ChildWorkflowExecutionCompleted,
            WorkflowTaskScheduled,
        ]
    );
    let Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(initiated) =
        history.attributes(5)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(initiated.namespace, NAMESPACE);
    assert_eq!(initiated.parent_close_policy(), ParentClosePolicy::Terminate);
    assert_eq!(initiated.workflow_task_completed_event_id, 4);
    let Attributes::ChildWorkflowExecutionStartedEventAttributes(started) = history.attributes(6)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(started.initiated_event_id, 5);
    assert_eq!(started.workflow_execution.as_ref(), Some(&run));
    let Attributes::ChildWorkflowExecutionCompletedEventAttributes(ended) = history.attributes(10)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!((ended.initiated_event_id, ended.started_event_id), (5, 6));
    assert_eq!(ended.workflow_execution, Some(run));
    assert_eq!(ended.workflow_type.as_ref().unwrap().name, "Leaf");
    assert_eq!(text(ended.result.as_ref()), "done");
}

#[tokio::test]
async fn a_child_knows_its_parent_and_the_root_of_the_tree() {
    let server = Server::in_memory();
    let parent = family(&server).await;
    server.step_child([start_child(child("g"))]).await;
    let history = server.history(&current("g")).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(first) = history.attributes(1) else {
        panic!("{:?}", history.types());
    };
    let middle = server.describe(&current("c")).await.unwrap().workflow_execution_info.unwrap();
    assert_eq!(first.parent_workflow_execution, middle.execution);
    assert_eq!(first.root_workflow_execution.as_ref(), Some(&parent));
    assert_eq!(first.parent_workflow_namespace, NAMESPACE);
    assert_eq!(first.parent_initiated_event_id, 5);
    assert_eq!(middle.parent_execution.as_ref(), Some(&parent));
    assert_eq!(middle.root_execution.as_ref(), Some(&parent));
}

#[tokio::test]
async fn every_end_of_a_child_reaches_its_parent() {
    for (command, expected) in [
        (complete("done"), ChildWorkflowExecutionCompleted),
        (fail("broken"), ChildWorkflowExecutionFailed),
        (cancel_workflow(), ChildWorkflowExecutionCanceled),
    ] {
        let server = Server::in_memory();
        let parent = family(&server).await;
        server.step_child([command]).await;
        assert_eq!(server.event_types(&parent).await[9], expected);
    }
    let server = Server::in_memory();
    let parent = family(&server).await;
    server.terminate(&current("c")).await.unwrap();
    assert_eq!(server.event_types(&parent).await[9], ChildWorkflowExecutionTerminated);

    let server = Server::in_memory();
    let parent = server.start("p").await;
    let short = StartChildWorkflowExecutionCommandAttributes {
        workflow_run_timeout: secs(5),
        ..child("c")
    };
    server.step([start_child(short)]).await;
    server.step([]).await;
    server.advance_secs(5).await;
    assert_eq!(server.event_types(&parent).await[9], ChildWorkflowExecutionTimedOut);
}

#[tokio::test]
async fn a_child_that_is_retried_or_goes_on_as_new_has_not_ended() {
    let server = Server::in_memory();
    let parent = server.start("p").await;
    let retried = StartChildWorkflowExecutionCommandAttributes {
        retry_policy: retry_policy(2),
        ..child("c")
    };
    server.step([start_child(retried)]).await;
    server.step([]).await;
    server.step_child([fail("once")]).await;
    server.advance_secs(1).await;
    let task = server.step_child([continue_as_new()]).await;
    assert_eq!(server.event_types(&parent).await.last(), Some(&WorkflowTaskCompleted));
    let last = server.step_child([fail("for good")]).await;
    assert_ne!(last.workflow_execution, task.workflow_execution);
    let history = server.history(&parent).await;
    let Attributes::ChildWorkflowExecutionFailedEventAttributes(failed) = history.attributes(10)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.workflow_execution, last.workflow_execution);
    assert_eq!(failed.retry_state(), RetryState::RetryPolicyNotSet);
    let history = server.history(&last.workflow_execution.unwrap()).await;
    let Attributes::WorkflowExecutionStartedEventAttributes(first) = history.attributes(1) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(first.parent_workflow_execution.as_ref(), Some(&parent));
}

#[tokio::test]
async fn what_happens_to_a_child_during_a_task_comes_after_it_in_order() {
    let server = Server::in_memory();
    let parent = server.start("p").await;
    let task = server.poll().await;
    let mut completion = Server::completion(&task, [start_child(child("c"))]);
    completion.force_create_new_workflow_task = true;
    completion.return_new_workflow_task = true;
    let next = server.call(completion).await.unwrap().workflow_task.unwrap();
    server.step_child([complete("done")]).await;
    server.signal(&parent, "late").await.unwrap();
    server.complete(&next, []).await.unwrap();
    let history = server.history(&parent).await;
    assert_eq!(
        history.types()[7..],
        [
            WorkflowTaskCompleted,
            ChildWorkflowExecutionStarted,
            WorkflowExecutionSignaled,
            ChildWorkflowExecutionCompleted,
            WorkflowTaskScheduled,
        ]
    );
    let Attributes::ChildWorkflowExecutionCompletedEventAttributes(ended) = history.attributes(11)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!((ended.initiated_event_id, ended.started_event_id), (5, 9));
}

/// What becomes of a child with that policy when its parent completes.
async fn after_parent(policy: ParentClosePolicy) -> (WorkflowExecutionStatus, Vec<EventType>) {
    let server = Server::in_memory();
    server.start("p").await;
    let attributes = StartChildWorkflowExecutionCommandAttributes {
        parent_close_policy: policy.into(),
        ..child("c")
    };
    server.step([start_child(attributes)]).await;
    server.step_child([start_timer("t", 60)]).await;
    server.step([complete("done")]).await;
    let status = status(&server, "c").await;
    (status, server.event_types(&current("c")).await.split_off(5))
}

#[tokio::test]
async fn a_child_ends_with_its_parent_unless_it_was_to_be_asked_or_abandoned() {
    use WorkflowExecutionStatus::{Running, Terminated};
    let terminated = (Terminated, vec![WorkflowExecutionTerminated]);
    assert_eq!(after_parent(ParentClosePolicy::Unspecified).await, terminated);
    assert_eq!(after_parent(ParentClosePolicy::Terminate).await, terminated);
    let asked = (Running, vec![WorkflowExecutionCancelRequested, WorkflowTaskScheduled]);
    assert_eq!(after_parent(ParentClosePolicy::RequestCancel).await, asked);
    assert_eq!(after_parent(ParentClosePolicy::Abandon).await, (Running, vec![]));
}

#[tokio::test]
async fn whole_trees_end_with_their_root() {
    let server = Server::in_memory();
    let parent = family(&server).await;
    server.step_child([start_child(child("g"))]).await;
    server.terminate(&parent).await.unwrap();
    for workflow_id in ["p", "c", "g"] {
        assert_eq!(status(&server, workflow_id).await, WorkflowExecutionStatus::Terminated);
    }
}

#[tokio::test]
async fn a_child_that_went_on_as_new_ends_with_its_parent() {
    let server = Server::in_memory();
    let parent = family(&server).await;
    server.step_child([continue_as_new()]).await;
    server.terminate(&parent).await.unwrap();
    assert_eq!(status(&server, "c").await, WorkflowExecutionStatus::Terminated);
}

#[tokio::test]
async fn a_child_ends_when_its_parent_goes_on_as_new() {
    let server = Server::in_memory();
    family(&server).await;
    server.step_child([start_timer("t", 60)]).await;
    server.signal(&current("p"), "go on").await.unwrap();
    server.step([continue_as_new()]).await;
    assert_eq!(status(&server, "c").await, WorkflowExecutionStatus::Terminated);
}

#[tokio::test]
async fn another_workflow_of_the_same_id_is_left_alone_when_the_parent_closes() {
    let server = Server::in_memory();
    let parent = family(&server).await;
    server.step_child([complete("done")]).await;
    server.start("c").await;
    server.terminate(&parent).await.unwrap();
    assert_eq!(status(&server, "c").await, WorkflowExecutionStatus::Running);
}

#[tokio::test]
async fn a_task_that_closes_a_parent_starts_no_child() {
    for policy in [ParentClosePolicy::Terminate, ParentClosePolicy::Abandon] {
        let server = Server::in_memory();
        let parent = server.start("p").await;
        let attributes = StartChildWorkflowExecutionCommandAttributes {
            parent_close_policy: policy.into(),
            ..child("c")
        };
        server.step([start_child(attributes), complete("done")]).await;
        let types = server.event_types(&parent).await;
        assert_eq!(types[4..], [StartChildWorkflowExecutionInitiated, WorkflowExecutionCompleted]);
        assert_eq!(server.describe(&current("c")).await.unwrap_err().code, Code::NotFound);
    }
}

#[tokio::test]
async fn two_children_of_one_id_in_one_task_are_one_child() {
    let server = Server::in_memory();
    let parent = server.start("p").await;
    server.step([start_child(child("c")), start_child(child("c"))]).await;
    let types = server.event_types(&parent).await;
    assert_eq!(types[6], ChildWorkflowExecutionStarted);
    assert_eq!(types[8], StartChildWorkflowExecutionFailed);
}

async fn start_again(server: &Server, policy: WorkflowIdReusePolicy) -> EventType {
    let parent = server.start("q").await;
    let attributes = StartChildWorkflowExecutionCommandAttributes {
        workflow_id_reuse_policy: policy.into(),
        ..child("c")
    };
    server.step([start_child(attributes)]).await;
    let history = server.history(&parent).await;
    if let Attributes::StartChildWorkflowExecutionFailedEventAttributes(failed) =
        history.attributes(6)
    {
        assert_eq!(failed.cause(), StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists);
        assert_eq!(failed.initiated_event_id, 5);
    }
    history.types()[5]
}

#[tokio::test]
async fn a_child_whose_id_is_taken_is_not_started() {
    let server = Server::in_memory();
    server.start("c").await;
    let policy = WorkflowIdReusePolicy::AllowDuplicate;
    server.step([]).await;
    assert_eq!(start_again(&server, policy).await, StartChildWorkflowExecutionFailed);
    server.step([complete("without")]).await;
}

#[tokio::test]
async fn the_id_of_a_child_is_used_again_as_its_policy_says() {
    for (policy, expected) in [
        (WorkflowIdReusePolicy::AllowDuplicate, ChildWorkflowExecutionStarted),
        (WorkflowIdReusePolicy::AllowDuplicateFailedOnly, StartChildWorkflowExecutionFailed),
        (WorkflowIdReusePolicy::RejectDuplicate, StartChildWorkflowExecutionFailed),
    ] {
        let server = Server::in_memory();
        server.start("c").await;
        server.step([complete("done")]).await;
        assert_eq!(start_again(&server, policy).await, expected);
    }
    let server = Server::in_memory();
    let first = server.start("c").await;
    server.step([]).await;
    #[allow(deprecated, reason = "children have no conflict policy, and this one is still sent")]
    let policy = WorkflowIdReusePolicy::TerminateIfRunning;
    assert_eq!(start_again(&server, policy).await, ChildWorkflowExecutionStarted);
    assert_eq!(server.event_types(&first).await.last(), Some(&WorkflowExecutionTerminated));
}

#[tokio::test]
async fn a_parent_cancels_its_child() {
    let server = Server::in_memory();
    let parent = server.start("p").await;
    server.step([start_child(child("c"))]).await;
    server.step_child([]).await;
    server.step([cancel_external("c", true)]).await;
    let types = server.event_types(&parent).await;
    assert_eq!(
        types[9..],
        [
            RequestCancelExternalWorkflowExecutionInitiated,
            ExternalWorkflowExecutionCancelRequested,
            WorkflowTaskScheduled
        ]
    );
    let history = server.history(&current("c")).await;
    let Attributes::WorkflowExecutionCancelRequestedEventAttributes(asked) = history.attributes(5)
    else {
        panic!("{:?}", history.types());
    };
    assert_eq!(asked.cause, "not needed");
    assert_eq!(asked.external_workflow_execution.as_ref(), Some(&parent));
    assert_eq!(asked.external_initiated_event_id, 10);
}

#[tokio::test]
async fn a_pending_child_is_described() {
    let server = Server::in_memory();
    let parent = family(&server).await;
    let pending = server.describe(&parent).await.unwrap().pending_children;
    let run = server.poll_child().await.workflow_execution.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((&pending[0].workflow_id, &pending[0].run_id), (&run.workflow_id, &run.run_id));
    assert_eq!(pending[0].workflow_type_name, "Leaf");
    assert_eq!(pending[0].initiated_id, 5);
    server.terminate(&run).await.unwrap();
    assert!(server.describe(&parent).await.unwrap().pending_children.is_empty());
}

#[tokio::test]
async fn a_child_that_can_not_be_meant_fails_the_task() {
    let server = Server::in_memory();
    let run = server.start("p").await;
    let task = server.poll().await;
    let nameless =
        StartChildWorkflowExecutionCommandAttributes { workflow_type: None, ..child("c") };
    let commands: [Command; 1] = [start_child(nameless)];
    let error = server.complete(&task, commands).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    let history = server.history(&run).await;
    let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.cause(), WorkflowTaskFailedCause::BadStartChildExecutionAttributes);
    assert_eq!(server.describe(&current("c")).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn parents_and_children_find_each_other_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let server = Server::on_file(&path);
    let parent = family(&server).await;
    let server = server.reopen(&path);
    assert_eq!(server.describe(&parent).await.unwrap().pending_children.len(), 1);
    let task = server.poll_child().await;
    assert!(server.no_child().await, "it was started once");
    let server = server.reopen(&path);
    server.step_child([complete("done")]).await;
    let types = server.event_types(&parent).await;
    let ends = types.iter().filter(|r#type| **r#type == ChildWorkflowExecutionCompleted);
    assert_eq!(ends.count(), 1);
    let run = task.workflow_execution.unwrap();
    server
        .call(RequestCancelWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run),
            ..Default::default()
        })
        .await
        .unwrap();
    let server = server.reopen(&path);
    assert!(server.describe(&parent).await.unwrap().pending_children.is_empty());
}
