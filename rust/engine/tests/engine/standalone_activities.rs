//! Activities without a workflow: started, worked on, described, waited for.

use std::time::Duration;

use hourglass_engine::Code;
use prost::Message;
use temporalio_protos::temporal::api::activity::v1::activity_execution_outcome::Value;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus as Status, ActivityIdConflictPolicy as Conflict,
    ActivityIdReusePolicy as Reuse, PendingActivityState as State,
};
use temporalio_protos::temporal::api::errordetails::v1::ActivityExecutionAlreadyStartedFailure;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::standalone::{
    describe_request, poll_request, start_request, terminate_request,
};
use crate::support::values::{NAMESPACE, QUEUE, failure, payloads, secs, text};

#[tokio::test]
async fn an_activity_without_a_workflow_completes() {
    let server = Server::in_memory();
    let started = server.call(start_request("a")).await.unwrap();
    assert!(started.started);
    let run_id = uuid::Uuid::parse_str(&started.run_id).unwrap();
    assert_eq!(run_id.get_version_num(), 7);
    let task = server.poll_activity().await;
    assert_eq!(server.activity_info("a").await.run_state(), State::Started);
    server.complete_activity(&task, "hash").await.unwrap();
    let response = server.call(poll_request("a")).await.unwrap();
    assert_eq!(response.run_id, started.run_id);
    let Some(Value::Result(result)) = response.outcome.unwrap().value else { panic!() };
    assert_eq!(text(Some(&result)), "hash");
    assert_eq!(server.activity_status("a").await, Status::Completed);
    assert_eq!(server.complete_activity(&task, "x").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn its_task_names_the_activitys_run_and_no_workflow() {
    let server = Server::in_memory();
    let run_id = server.start_activity("a").await;
    let task = server.poll_activity().await;
    assert_eq!(task.activity_run_id, run_id);
    assert_eq!((task.workflow_execution, task.workflow_type), (None, None));
    assert_eq!(task.workflow_namespace, NAMESPACE);
    assert_eq!((task.activity_id.as_str(), task.attempt), ("a", 1));
    assert_eq!(text(task.input.as_ref()), "file");
    assert_eq!(task.schedule_to_close_timeout, secs(100));
    assert_eq!(task.start_to_close_timeout, secs(100));
}

#[tokio::test]
async fn a_description_tells_what_a_start_asked_for() {
    let server = Server::in_memory();
    let run_id = server.start_activity("a").await;
    let described = server.activity("a").await.unwrap();
    let info = described.info.unwrap();
    assert_eq!((described.run_id, info.run_id.as_str()), (run_id.clone(), run_id.as_str()));
    assert_eq!((info.status(), info.run_state()), (Status::Running, State::Scheduled));
    assert_eq!((info.task_queue.as_str(), info.attempt), (QUEUE, 1));
    assert_eq!(info.schedule_to_start_timeout, secs(100));
    assert_eq!(text(described.input.as_ref()), "file");
    assert_eq!(info.execution_time, info.schedule_time);
    let expires = info.expiration_time.unwrap().seconds - info.schedule_time.unwrap().seconds;
    assert_eq!(expires, 100);
    assert_eq!((described.outcome, info.close_time), (None, None));
    let plain = DescribeActivityExecutionRequest { include_input: false, ..describe_request("a") };
    assert_eq!(server.call(plain).await.unwrap().input, None);
}

#[tokio::test]
async fn heartbeats_are_counted_and_kept_for_the_next_attempt() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    server.heartbeat(&task, "half").await.unwrap();
    server.heartbeat(&task, "most").await.unwrap();
    let info = server.activity_info("a").await;
    assert_eq!(
        (info.total_heartbeat_count, text(info.heartbeat_details.as_ref())),
        (2, "most".into())
    );
    server.fail_activity(&task, "Flaky").await.unwrap();
    server.advance_secs(1).await;
    let again = server.poll_activity().await;
    assert_eq!((again.attempt, text(again.heartbeat_details.as_ref())), (2, "most".into()));
    let info = server.activity_info("a").await;
    assert!(info.last_heartbeat_time.is_some() && info.last_failure.is_some());
}

#[tokio::test]
async fn an_attempt_that_failed_backs_off_and_is_described() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    for (attempt, pause) in [(1, 1), (2, 2), (3, 4)] {
        let task = server.poll_activity().await;
        assert_eq!(task.attempt, attempt);
        server.fail_activity(&task, "Flaky").await.unwrap();
        let info = server.activity_info("a").await;
        assert_eq!((info.attempt, info.run_state()), (attempt + 1, State::Scheduled));
        assert_eq!(info.current_retry_interval, secs(pause));
        assert_eq!(info.last_failure.unwrap().message, "no luck");
        let waits = info.next_attempt_schedule_time.unwrap().seconds
            - info.last_attempt_complete_time.unwrap().seconds;
        assert_eq!(waits, i64::try_from(pause).unwrap());
        server.advance_secs(pause - 1).await;
        assert!(server.no_activity().await);
        server.advance_secs(1).await;
    }
}

#[tokio::test]
async fn a_start_delay_comes_before_the_first_attempt_and_all_timeouts() {
    let server = Server::in_memory();
    let request = StartActivityExecutionRequest { start_delay: secs(60), ..start_request("a") };
    server.call(request).await.unwrap();
    let info = server.activity_info("a").await;
    let since = |at: Option<prost_wkt_types::Timestamp>| {
        at.unwrap().seconds - info.schedule_time.unwrap().seconds
    };
    assert_eq!((since(info.execution_time), since(info.expiration_time)), (60, 160));
    assert_eq!((info.run_state(), since(info.next_attempt_schedule_time)), (State::Scheduled, 60));
    assert_eq!((info.start_delay, info.current_retry_interval), (secs(60), None));
    server.advance_secs(59).await;
    assert!(server.no_activity().await);
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 1);
    server.advance_secs(99).await;
    assert_eq!(server.activity_status("a").await, Status::Running);
    server.advance_secs(1).await;
    assert_eq!(server.activity_status("a").await, Status::TimedOut);
}

#[tokio::test]
async fn one_id_has_one_activity_that_runs() {
    let server = Server::in_memory();
    let first = StartActivityExecutionRequest { request_id: "one".into(), ..start_request("a") };
    let run_id = server.call(first.clone()).await.unwrap().run_id;
    let again = server.call(first).await.unwrap();
    assert_eq!((again.run_id.as_str(), again.started), (run_id.as_str(), false));
    let refused = server.call(start_request("a")).await.unwrap_err();
    assert_eq!(refused.code, Code::AlreadyExists);
    let detail = ActivityExecutionAlreadyStartedFailure {
        start_request_id: "one".into(),
        run_id: run_id.clone(),
    };
    let bytes = detail.encode_to_vec();
    assert!(refused.details.windows(bytes.len()).any(|part| part == bytes));
    let mut existing = start_request("a");
    existing.set_id_conflict_policy(Conflict::UseExisting);
    let existing = server.call(existing).await.unwrap();
    assert_eq!((existing.run_id, existing.started), (run_id, false));
}

#[tokio::test]
async fn policies_say_which_ids_are_used_again() {
    let server = Server::in_memory();
    let with = |policy| {
        let mut request = start_request("a");
        request.set_id_reuse_policy(policy);
        request
    };
    server.start_activity("a").await;
    server.complete_activity(&server.poll_activity().await, "hash").await.unwrap();
    for policy in [Reuse::RejectDuplicate, Reuse::AllowDuplicateFailedOnly] {
        let refused = server.call(with(policy)).await.unwrap_err();
        assert_eq!(refused.code, Code::AlreadyExists, "{policy:?}");
    }
    let second = server.call(with(Reuse::AllowDuplicate)).await.unwrap();
    server.call(terminate_request("a")).await.unwrap();
    let third = server.call(with(Reuse::AllowDuplicateFailedOnly)).await.unwrap();
    assert_ne!(second.run_id, third.run_id);
    let of_second = PollActivityExecutionRequest { run_id: second.run_id, ..poll_request("a") };
    assert!(server.call(of_second).await.unwrap().outcome.is_some());
}

#[tokio::test]
async fn workflows_and_activities_of_one_id_know_nothing_of_each_other() {
    let server = Server::in_memory();
    let workflow = server.start("both").await;
    let run_id = server.start_activity("both").await;
    assert_ne!(workflow.run_id, run_id);
    let newest = WorkflowExecution { run_id: String::new(), ..workflow.clone() };
    server.describe(&newest).await.unwrap();
    let wrong = WorkflowExecution { run_id, ..workflow.clone() };
    assert_eq!(server.describe(&wrong).await.unwrap_err().code, Code::NotFound);
    assert_eq!(server.terminate(&wrong).await.unwrap_err().code, Code::NotFound);
    let request = Server::history_request(&wrong);
    assert_eq!(server.call(request).await.unwrap_err().code, Code::NotFound);
    let wrong =
        DescribeActivityExecutionRequest { run_id: workflow.run_id, ..describe_request("both") };
    assert_eq!(server.call(wrong).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn an_outcome_is_waited_for() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let task = server.poll_activity().await;
    let mut waits = std::pin::pin!(server.call(poll_request("a")));
    assert!(server.parks(&mut waits.as_mut()).await);
    server.complete_activity(&task, "hash").await.unwrap();
    assert!(waits.await.unwrap().outcome.is_some());
}

#[tokio::test]
async fn a_caller_whose_time_is_over_is_told_to_ask_again() {
    let server = Server::in_memory();
    let run_id = server.start_activity("a").await;
    let token = server.activity("a").await.unwrap().long_poll_token;
    let change = DescribeActivityExecutionRequest {
        run_id,
        long_poll_token: token,
        ..describe_request("a")
    };
    let patience = Some(Duration::from_secs(10));
    let mut outcome = std::pin::pin!(server.call_within(patience, poll_request("a")));
    let mut changed = std::pin::pin!(server.call_within(patience, change));
    assert!(server.parks(&mut outcome.as_mut()).await);
    assert!(server.parks(&mut changed.as_mut()).await);
    server.advance_wall_secs(9).await;
    assert_eq!(outcome.await.unwrap(), PollActivityExecutionResponse::default());
    assert_eq!(changed.await.unwrap(), DescribeActivityExecutionResponse::default());
}

#[tokio::test]
async fn each_change_is_told_to_who_waits_for_one() {
    let server = Server::in_memory();
    let run_id = server.start_activity("a").await;
    let mut task = None;
    for state in [State::Started, State::CancelRequested, State::Unspecified] {
        let known = server.activity("a").await.unwrap();
        let change = DescribeActivityExecutionRequest {
            run_id: run_id.clone(),
            long_poll_token: known.long_poll_token,
            ..describe_request("a")
        };
        let mut waits = std::pin::pin!(server.call(change));
        assert!(server.parks(&mut waits.as_mut()).await, "before {state:?}");
        match (state, &task) {
            (State::Started, _) => task = Some(server.poll_activity().await),
            (State::CancelRequested, _) => {
                server.call(crate::support::standalone::cancel_request("a")).await.unwrap();
            }
            (_, Some(task)) => server.cancel_activity(task).await.unwrap(),
            _ => unreachable!(),
        }
        let changed = waits.await.unwrap();
        let info = changed.info.unwrap();
        assert_eq!(info.run_state(), state);
        assert!(info.state_transition_count > known.info.unwrap().state_transition_count);
        assert_eq!(changed.long_poll_token.is_empty(), info.close_time.is_some());
    }
}

#[tokio::test]
async fn a_token_of_another_activity_is_refused() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let run_id = server.start_activity("b").await;
    let token = server.activity("a").await.unwrap().long_poll_token;
    for (run_id, token, expected) in [
        (String::new(), token.clone(), "run id is required when long poll token is provided"),
        (run_id.clone(), token, "long poll token does not match execution"),
        (run_id, b"garbage".to_vec(), "invalid long poll token"),
    ] {
        let request = DescribeActivityExecutionRequest {
            run_id,
            long_poll_token: token,
            ..describe_request("b")
        };
        let refused = server.call(request).await.unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (Code::InvalidArgument, expected));
    }
}

#[tokio::test]
async fn an_activity_is_answered_by_its_id_without_a_workflow_id() {
    let server = Server::in_memory();
    server.start_activity("a").await;
    let beat = RecordActivityTaskHeartbeatByIdRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: "a".to_owned(),
        details: payloads("half"),
        ..Default::default()
    };
    assert_eq!(server.call(beat.clone()).await.unwrap_err().code, Code::NotFound);
    server.poll_activity().await;
    server.call(beat).await.unwrap();
    let fail = RespondActivityTaskFailedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: "a".to_owned(),
        failure: Some(failure("no luck", "Flaky")),
        ..Default::default()
    };
    server.call(fail).await.unwrap();
    assert_eq!(server.activity_info("a").await.attempt, 2);
    let complete = RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        activity_id: "a".to_owned(),
        result: payloads("from outside"),
        ..Default::default()
    };
    server.call(complete.clone()).await.unwrap();
    assert_eq!(server.activity_status("a").await, Status::Completed);
    assert_eq!(server.call(complete).await.unwrap_err().code, Code::FailedPrecondition);
}

#[tokio::test]
async fn a_start_that_cannot_be_meant_is_refused() {
    let server = Server::in_memory();
    let negative = Some(prost_wkt_types::Duration { seconds: -1, nanos: 0 });
    let start = || start_request("a");
    let cases = [
        (
            StartActivityExecutionRequest { activity_id: String::new(), ..start() },
            "activityId is not set",
        ),
        (
            StartActivityExecutionRequest { activity_type: None, ..start() },
            "activityType is not set",
        ),
        (StartActivityExecutionRequest { task_queue: None, ..start() }, "taskQueue is not set"),
        (
            StartActivityExecutionRequest { schedule_to_close_timeout: None, ..start() },
            "a valid StartToCloseTimeout or ScheduleToCloseTimeout must be set",
        ),
        (
            StartActivityExecutionRequest { start_delay: negative, ..start() },
            "invalid StartDelay: negative duration",
        ),
        (
            StartActivityExecutionRequest { identity: "x".repeat(1001), ..start() },
            "identity exceeds length limit. Length=1001 Limit=1000",
        ),
    ];
    for (request, expected) in cases {
        let refused = server.call(request).await.unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{expected}");
        assert!(refused.message.starts_with(expected), "{}", refused.message);
    }
    assert_eq!(server.activity("a").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_namespace_says_that_it_has_activities_without_workflows() {
    let server = Server::in_memory();
    let request = DescribeNamespaceRequest { namespace: NAMESPACE.into(), ..Default::default() };
    let info = server.call(request).await.unwrap().namespace_info.unwrap();
    let capabilities = info.capabilities.unwrap();
    assert!(capabilities.standalone_activities && capabilities.standalone_activity_start_delay);
    assert!(capabilities.standalone_activity_operator_commands);
}
