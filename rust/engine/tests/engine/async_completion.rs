//! Activities that are completed, failed, cancelled or kept alive by their id, from anywhere.

use hourglass_engine::{Code, RpcStatus};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType::*;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use crate::support::Server;
use crate::support::command::{activity, cancel_activity, complete, schedule, start_timer};
use crate::support::values::{NAMESPACE, failure, payloads, text};

/// A workflow `w` with an activity `a` that no worker has yet.
async fn scheduled(server: &Server) -> WorkflowExecution {
    let run = server.start("w").await;
    server.step([schedule(activity("a")), start_timer("t", 600)]).await;
    run
}

fn completion(activity_id: &str) -> RespondActivityTaskCompletedByIdRequest {
    RespondActivityTaskCompletedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        activity_id: activity_id.to_owned(),
        result: payloads("from outside"),
        identity: "outside".to_owned(),
        ..Default::default()
    }
}

async fn fail(server: &Server) -> Result<(), RpcStatus> {
    let request = RespondActivityTaskFailedByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        activity_id: "a".to_owned(),
        failure: Some(failure("no luck", "Flaky")),
        ..Default::default()
    };
    server.call(request).await.map(drop)
}

async fn cancel(server: &Server) -> Result<(), RpcStatus> {
    let request = RespondActivityTaskCanceledByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        activity_id: "a".to_owned(),
        ..Default::default()
    };
    server.call(request).await.map(drop)
}

async fn heartbeat(server: &Server) -> Result<bool, RpcStatus> {
    let request = RecordActivityTaskHeartbeatByIdRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_id: "w".to_owned(),
        activity_id: "a".to_owned(),
        details: payloads("half"),
        ..Default::default()
    };
    server.call(request).await.map(|response| response.cancel_requested)
}

#[tokio::test]
async fn an_activity_is_completed_by_its_id() {
    let server = Server::in_memory();
    let run = scheduled(&server).await;
    let task = server.poll_activity().await;
    server.call(completion("a")).await.unwrap();
    let history = server.history(&run).await;
    let Attributes::ActivityTaskCompletedEventAttributes(done) = history.attributes(8) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((text(done.result.as_ref()).as_str(), &*done.identity), ("from outside", "outside"));
    assert_eq!(server.complete_activity(&task, "late").await.unwrap_err().code, Code::NotFound);
    assert_eq!(server.call(completion("a")).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn an_activity_that_no_worker_has_is_completed_by_its_id_and_started_by_nobody() {
    let server = Server::in_memory();
    let run = scheduled(&server).await;
    server.call(completion("a")).await.unwrap();
    let history = server.history(&run).await;
    let Attributes::ActivityTaskStartedEventAttributes(started) = history.attributes(7) else {
        panic!("{:?}", history.types());
    };
    assert_eq!((started.attempt, &*started.identity), (1, "outside"));
    assert!(server.no_activity().await);
}

#[tokio::test]
async fn an_attempt_fails_by_its_id_and_another_follows() {
    let server = Server::in_memory();
    scheduled(&server).await;
    server.poll_activity().await;
    fail(&server).await.unwrap();
    assert_eq!(fail(&server).await.unwrap_err().code, Code::NotFound, "it backs off");
    server.advance_secs(1).await;
    assert_eq!(server.poll_activity().await.attempt, 2);
}

#[tokio::test]
async fn an_activity_is_cancelled_by_its_id_once_the_workflow_wants_it() {
    let server = Server::in_memory();
    let run = scheduled(&server).await;
    server.poll_activity().await;
    assert_eq!(cancel(&server).await.unwrap_err().code, Code::InvalidArgument);
    assert!(!heartbeat(&server).await.unwrap());
    server.signal(&run, "stop").await.unwrap();
    server.step([cancel_activity(5)]).await;
    assert!(heartbeat(&server).await.unwrap(), "it is told to stop");
    cancel(&server).await.unwrap();
    assert!(server.event_types(&run).await.contains(&ActivityTaskCanceled));
}

#[tokio::test]
async fn an_activity_that_no_worker_has_can_not_fail_and_is_not_alive() {
    let server = Server::in_memory();
    scheduled(&server).await;
    assert_eq!(fail(&server).await.unwrap_err().code, Code::NotFound);
    assert_eq!(cancel(&server).await.unwrap_err().code, Code::NotFound);
    assert_eq!(heartbeat(&server).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let server = Server::in_memory();
    let run = scheduled(&server).await;
    let error = server.call(completion("b")).await.unwrap_err();
    assert!(error.message.contains("ActivityID b"), "{}", error.message);
    let unset = server.call(completion("")).await.unwrap_err();
    assert_eq!(
        (unset.code, &*unset.message),
        (Code::InvalidArgument, "ActivityId is not set on request.")
    );
    server.signal(&run, "end").await.unwrap();
    server.step([complete("done")]).await;
    let closed = server.call(completion("a")).await.unwrap_err();
    assert_eq!(
        (closed.code, &*closed.message),
        (Code::NotFound, "workflow execution already completed")
    );
    assert!(!closed.details.is_empty(), "clients tell it from other kinds of NOT_FOUND");
}
