//! What is too large to store ends what made it: another attempt would make it again.

use hourglass_engine::{Code, HistoryLimits};
use temporalio_protos::temporal::api::command::v1::{
    Command, CompleteWorkflowExecutionCommandAttributes, ScheduleActivityTaskCommandAttributes,
    SignalExternalWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
    command::Attributes as Kind,
};
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::enums::v1::{
    CommandType, RetryState, SuggestContinueAsNewReason, WorkflowTaskFailedCause as Cause,
};
use temporalio_protos::temporal::api::failure::v1::Failure;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::{
    RecordActivityTaskHeartbeatRequest, RespondActivityTaskCompletedRequest,
    RespondActivityTaskFailedRequest, SignalWorkflowExecutionRequest,
};

use crate::support::Server;
use crate::support::command::{
    activity, cancel_external, child, command, external_signal, marker, schedule, signal_external,
    start_child,
};
use crate::support::logs;
use crate::support::values::{NAMESPACE, failure, payload_of_size};

const TOO_LARGE: usize = 2 * 1024 * 1024 + 1;

#[tokio::test]
async fn a_command_that_is_too_large_terminates_the_run() {
    let input = || payload_of_size(TOO_LARGE);
    let completion = CompleteWorkflowExecutionCommandAttributes { result: input() };
    let cases: [(Command, Cause); 4] = [
        (
            schedule(ScheduleActivityTaskCommandAttributes { input: input(), ..activity("a") }),
            Cause::BadScheduleActivityAttributes,
        ),
        (
            start_child(StartChildWorkflowExecutionCommandAttributes {
                input: input(),
                ..child("c")
            }),
            Cause::BadStartChildExecutionAttributes,
        ),
        (
            signal_external(SignalExternalWorkflowExecutionCommandAttributes {
                input: input(),
                ..external_signal("other")
            }),
            Cause::BadSignalWorkflowExecutionAttributes,
        ),
        (
            command(
                CommandType::CompleteWorkflowExecution,
                Kind::CompleteWorkflowExecutionCommandAttributes(completion),
            ),
            Cause::BadScheduleActivityAttributes,
        ),
    ];
    for (command, cause) in cases {
        let server = Server::in_memory();
        let run = server.start("w").await;
        let task = server.poll().await;
        let error = server.complete(&task, [command]).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.ends_with("exceeds size limit."), "{}", error.message);
        let history = server.history(&run).await;
        assert_eq!(history.types()[3..], [WorkflowTaskFailed, WorkflowExecutionTerminated]);
        let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
            panic!("{:?}", history.types());
        };
        assert_eq!(failed.cause(), cause);
        let Attributes::WorkflowExecutionTerminatedEventAttributes(end) = history.last() else {
            panic!("{:?}", history.types());
        };
        assert_eq!(end.reason, error.message);
        assert!(server.idle().await);
    }
}

#[tokio::test]
async fn a_result_of_an_activity_that_is_too_large_is_its_failure() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let task = server.poll_activity().await;
    server
        .call(RespondActivityTaskCompletedRequest {
            task_token: task.task_token,
            result: payload_of_size(TOO_LARGE),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let history = server.history(&run).await;
    let Attributes::ActivityTaskFailedEventAttributes(failed) = history.attributes(7) else {
        panic!("{:?}", history.types());
    };
    assert_eq!(failed.failure.as_ref().unwrap().message, "Complete result exceeds size limit.");
    assert_eq!(failed.retry_state(), RetryState::NonRetryableFailure);
}

#[tokio::test]
async fn a_heartbeat_that_is_too_large_ends_the_activity_and_tells_it_so() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    server.step([schedule(activity("a"))]).await;
    let task = server.poll_activity().await;
    let response = server
        .call(RecordActivityTaskHeartbeatRequest {
            task_token: task.task_token,
            details: payload_of_size(TOO_LARGE),
            namespace: NAMESPACE.to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(response.cancel_requested);
    assert!(server.event_types(&run).await.contains(&ActivityTaskFailed));
}

#[tokio::test]
async fn a_history_that_grows_large_suggests_to_continue_as_new() {
    let server = Server::in_memory();
    let run = server.start("w").await;
    let suggested = async || {
        server.step([]).await;
        let history = server.history(&run).await;
        let Attributes::WorkflowTaskStartedEventAttributes(started) =
            history.attributes(history.0.len() - 1)
        else {
            panic!("{:?}", history.types());
        };
        assert_eq!(
            started.suggest_continue_as_new,
            !started.suggest_continue_as_new_reasons.is_empty()
        );
        started.suggest_continue_as_new_reasons.clone()
    };
    assert!(suggested().await.is_empty());
    for _ in 0..3 {
        server
            .call(SignalWorkflowExecutionRequest {
                namespace: NAMESPACE.to_owned(),
                workflow_execution: Some(run.clone()),
                signal_name: "more".to_owned(),
                input: payload_of_size(TOO_LARGE - 1000),
                ..Default::default()
            })
            .await
            .unwrap();
    }
    let size = [i32::from(SuggestContinueAsNewReason::HistorySizeTooLarge)];
    assert_eq!(suggested().await, size);
}

/// A failure with as many causes, each within the one before.
fn failure_with_causes(count: usize) -> Failure {
    (0..count).fold(failure("the first cause", "Deep"), |cause, _| Failure {
        cause: Some(Box::new(cause)),
        ..failure("because", "Deep")
    })
}

#[tokio::test]
async fn a_failure_with_any_number_of_causes_can_be_read_again() {
    for count in (60..100).step_by(3) {
        let server = Server::in_memory();
        let run = server.start("w").await;
        server.step([schedule(activity("a"))]).await;
        for r#type in ["Broken", "Fatal"] {
            let task = server.poll_activity().await;
            let mut failure = failure_with_causes(count);
            failure.failure_info = self::failure("", r#type).failure_info;
            let request = RespondActivityTaskFailedRequest {
                failure: Some(failure),
                ..Server::activity_failure(&task, r#type)
            };
            if let Err(refused) = server.call(request).await {
                assert_eq!(refused.code, Code::InvalidArgument); // the request can't be read either
                assert!(count > 90, "{count} causes");
                break;
            }
            server.describe(&run).await.unwrap();
            server.advance_secs(2).await;
        }
        if server.event_types(&run).await.contains(&ActivityTaskFailed) {
            server.poll().await;
        }
    }
}

#[tokio::test]
async fn a_run_ends_when_its_history_outgrows_its_limits() {
    for (limits, what) in [
        (HistoryLimits { events: 20, bytes: 0 }, "count"),
        (HistoryLimits { events: 0, bytes: 2_000 }, "size"),
    ] {
        let server = Server::with_history_limits(limits);
        let run = server.start("w").await;
        server.step([marker("short")]).await;
        server.signal(&run, "s").await.unwrap();
        server.step((0..40).map(|n| marker(&"m".repeat(50 + n))).collect::<Vec<_>>()).await;
        let history = server.history(&run).await;
        let Attributes::WorkflowExecutionTerminatedEventAttributes(ended) = history.last() else {
            panic!("{:?}", history.types());
        };
        assert_eq!(ended.reason, format!("Workflow history {what} exceeds limit."));
    }
}

#[tokio::test]
async fn a_history_that_has_no_limits_grows_and_one_that_nears_them_is_logged_once() {
    let many = || (0..100).map(|n| marker(&format!("m{n}"))).collect::<Vec<_>>();
    for (name, events, logged) in [("without a limit", 0, 0), ("near its limit", 1_000, 1)] {
        logs::keep();
        let server = Server::with_history_limits(HistoryLimits { events, bytes: 0 });
        let run = server.start(name).await;
        for _ in 0..5 {
            server.step(many()).await;
            server.signal(&run, "s").await.unwrap();
        }
        assert_eq!(logs::about(name).len(), logged);
        assert!(server.history(&run).await.types().len() > 500);
    }
}

#[tokio::test]
async fn more_than_may_be_pending_fails_the_task_and_not_the_run() {
    type Order = fn(usize) -> Command;
    let orders: [(Order, Cause, &str); 4] = [
        (
            |n| schedule(activity(&format!("a{n}"))),
            Cause::PendingActivitiesLimitExceeded,
            "pending activities",
        ),
        (
            |n| start_child(child(&format!("c{n}"))),
            Cause::PendingChildWorkflowsLimitExceeded,
            "pending child workflow executions",
        ),
        (
            |n| signal_external(external_signal(&format!("o{n}"))),
            Cause::PendingSignalsLimitExceeded,
            "pending signals to external workflows",
        ),
        (
            |n| cancel_external(&format!("o{n}"), false),
            Cause::PendingRequestCancelLimitExceeded,
            "pending requests to cancel external workflows",
        ),
    ];
    for (order, cause, what) in orders {
        let server = Server::in_memory();
        let run = server.start("w").await;
        let task = server.poll().await;
        let error = server.complete(&task, (0..2_001).map(order).collect::<Vec<_>>()).await;
        let message = error.unwrap_err().message;
        assert!(message.contains(&format!("the number of {what}, 2000, has reached")), "{message}");
        let history = server.history(&run).await;
        let Attributes::WorkflowTaskFailedEventAttributes(failed) = history.attributes(4) else {
            panic!("{:?}", history.types());
        };
        assert_eq!(failed.cause(), cause);
        let task = server.poll().await;
        server.complete(&task, (0..2_000).map(order).collect::<Vec<_>>()).await.unwrap();
    }
}
