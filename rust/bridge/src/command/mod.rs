//! Commands, which say what a run wants: a class each, and the completion that carries them.
//!
//! Every command wraps core's message, so that handing over a completion is a copy and no more.

mod cancel_timer;
mod cancel_workflow_execution;
mod complete_workflow_execution;
mod completion;
mod continue_as_new_workflow_execution;
mod fail_workflow_execution;
mod other_command;
mod request_cancel_activity;
mod respond_to_query;
mod schedule_activity;
mod set_patch_marker;
mod start_timer;

use pyo3::prelude::*;
use temporalio_protos::{
    coresdk::workflow_commands::{WorkflowCommand, workflow_command::Variant},
    temporal::api::{common::v1::Payload, sdk::v1::UserMetadata},
};

pub(crate) use self::{
    cancel_timer::CancelTimer, cancel_workflow_execution::CancelWorkflowExecution,
    complete_workflow_execution::CompleteWorkflowExecution, completion::WorkflowCompletion,
    continue_as_new_workflow_execution::ContinueAsNewWorkflowExecution,
    fail_workflow_execution::FailWorkflowExecution, other_command::OtherCommand,
    request_cancel_activity::RequestCancelActivity, respond_to_query::RespondToQuery,
    schedule_activity::ScheduleActivity, set_patch_marker::SetPatchMarker, start_timer::StartTimer,
};

/// A class of command: how it becomes core's message.
pub(crate) trait Command {
    fn to_core(&self) -> WorkflowCommand;
}

fn plain(variant: Variant) -> WorkflowCommand {
    WorkflowCommand { variant: Some(variant), ..WorkflowCommand::default() }
}

fn with_summary(variant: Variant, summary: Option<&Payload>) -> WorkflowCommand {
    WorkflowCommand {
        variant: Some(variant),
        user_metadata: summary
            .map(|summary| UserMetadata { summary: Some(summary.clone()), details: None }),
        ..WorkflowCommand::default()
    }
}

/// The classes, the common ones first.
macro_rules! first_class_of {
    ($item:expr, $found:ident => $answer:expr, $($class:ty),+ $(,)?) => {
        $(if let Ok($found) = $item.cast_exact::<$class>() {
            return $answer;
        })+
    };
}

macro_rules! commands {
    ($item:expr, $found:ident => $answer:expr) => {
        first_class_of!(
            $item,
            $found => $answer,
            ScheduleActivity,
            CompleteWorkflowExecution,
            StartTimer,
            RespondToQuery,
            CancelTimer,
            FailWorkflowExecution,
            ContinueAsNewWorkflowExecution,
            RequestCancelActivity,
            CancelWorkflowExecution,
            SetPatchMarker,
            OtherCommand,
        )
    };
}

/// Core's message for a Python command; `None` for anything else.
fn to_core(item: &Bound<'_, PyAny>) -> Option<WorkflowCommand> {
    commands!(item, found => Some(found.get().to_core()));
    None
}

/// Say whether a Python object is a command: a completion checks that when it is made.
fn is_command(item: &Bound<'_, PyAny>) -> bool {
    commands!(item, _found => true);
    false
}
