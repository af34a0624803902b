//! The commands that a model worker answers with.

use temporalio_protos::temporal::api::command::v1::{Command, command::Attributes, *};
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::CommandType;

use super::values::{
    CHILDREN, QUEUE, activity_type, failure, payloads, queue, retry_policy, secs, workflow_type,
};

pub(crate) fn command(command_type: CommandType, attributes: Attributes) -> Command {
    Command {
        command_type: command_type.into(),
        attributes: Some(attributes),
        ..Default::default()
    }
}

pub(crate) fn complete(result: &str) -> Command {
    command(
        CommandType::CompleteWorkflowExecution,
        Attributes::CompleteWorkflowExecutionCommandAttributes(
            CompleteWorkflowExecutionCommandAttributes { result: payloads(result) },
        ),
    )
}

pub(crate) fn fail(message: &str) -> Command {
    command(
        CommandType::FailWorkflowExecution,
        Attributes::FailWorkflowExecutionCommandAttributes(
            FailWorkflowExecutionCommandAttributes { failure: Some(failure(message, "Broken")) },
        ),
    )
}

pub(crate) fn cancel_workflow() -> Command {
    command(
        CommandType::CancelWorkflowExecution,
        Attributes::CancelWorkflowExecutionCommandAttributes(
            CancelWorkflowExecutionCommandAttributes { details: payloads("as asked") },
        ),
    )
}

pub(crate) fn start_timer(timer_id: &str, seconds: u64) -> Command {
    command(
        CommandType::StartTimer,
        Attributes::StartTimerCommandAttributes(StartTimerCommandAttributes {
            timer_id: timer_id.to_owned(),
            start_to_fire_timeout: secs(seconds),
        }),
    )
}

pub(crate) fn cancel_timer(timer_id: &str) -> Command {
    command(
        CommandType::CancelTimer,
        Attributes::CancelTimerCommandAttributes(CancelTimerCommandAttributes {
            timer_id: timer_id.to_owned(),
        }),
    )
}

/// What `schedule` sends unless a test changes it: no timeout but a start-to-close one of a minute.
pub(crate) fn activity(activity_id: &str) -> ScheduleActivityTaskCommandAttributes {
    ScheduleActivityTaskCommandAttributes {
        activity_id: activity_id.to_owned(),
        activity_type: activity_type("Hash"),
        task_queue: queue(QUEUE),
        input: payloads("file"),
        start_to_close_timeout: secs(60),
        retry_policy: retry_policy(0),
        ..Default::default()
    }
}

pub(crate) fn schedule(attributes: ScheduleActivityTaskCommandAttributes) -> Command {
    command(
        CommandType::ScheduleActivityTask,
        Attributes::ScheduleActivityTaskCommandAttributes(attributes),
    )
}

pub(crate) fn cancel_activity(scheduled_event_id: i64) -> Command {
    command(
        CommandType::RequestCancelActivityTask,
        Attributes::RequestCancelActivityTaskCommandAttributes(
            RequestCancelActivityTaskCommandAttributes { scheduled_event_id },
        ),
    )
}

/// What `start_child` sends unless a test changes it: of type `Leaf`, on the task queue `children`.
pub(crate) fn child(workflow_id: &str) -> StartChildWorkflowExecutionCommandAttributes {
    StartChildWorkflowExecutionCommandAttributes {
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type("Leaf"),
        task_queue: queue(CHILDREN),
        input: payloads("file"),
        ..Default::default()
    }
}

pub(crate) fn start_child(attributes: StartChildWorkflowExecutionCommandAttributes) -> Command {
    command(
        CommandType::StartChildWorkflowExecution,
        Attributes::StartChildWorkflowExecutionCommandAttributes(attributes),
    )
}

/// A signal `go` to the current run of a workflow.
pub(crate) fn external_signal(
    workflow_id: &str,
) -> SignalExternalWorkflowExecutionCommandAttributes {
    SignalExternalWorkflowExecutionCommandAttributes {
        execution: Some(WorkflowExecution {
            workflow_id: workflow_id.to_owned(),
            ..Default::default()
        }),
        signal_name: "go".to_owned(),
        input: payloads("now"),
        ..Default::default()
    }
}

pub(crate) fn signal_external(
    attributes: SignalExternalWorkflowExecutionCommandAttributes,
) -> Command {
    command(
        CommandType::SignalExternalWorkflowExecution,
        Attributes::SignalExternalWorkflowExecutionCommandAttributes(attributes),
    )
}

/// A request to cancel the current run of a workflow, which must be a child where `child` says so.
pub(crate) fn cancel_external(workflow_id: &str, child: bool) -> Command {
    command(
        CommandType::RequestCancelExternalWorkflowExecution,
        Attributes::RequestCancelExternalWorkflowExecutionCommandAttributes(
            RequestCancelExternalWorkflowExecutionCommandAttributes {
                workflow_id: workflow_id.to_owned(),
                child_workflow_only: child,
                reason: "not needed".to_owned(),
                ..Default::default()
            },
        ),
    )
}

pub(crate) fn continue_as_new() -> Command {
    command(
        CommandType::ContinueAsNewWorkflowExecution,
        Attributes::ContinueAsNewWorkflowExecutionCommandAttributes(
            ContinueAsNewWorkflowExecutionCommandAttributes::default(),
        ),
    )
}

pub(crate) fn marker(name: &str) -> Command {
    command(
        CommandType::RecordMarker,
        Attributes::RecordMarkerCommandAttributes(RecordMarkerCommandAttributes {
            marker_name: name.to_owned(),
            ..Default::default()
        }),
    )
}
