//! Checks of a task's commands as a sequence.

use crate::RpcStatus;
use crate::command::is_close;
use crate::command::scope::Refusal;
use crate::proto::command::Command;
use crate::proto::enums::{CommandType, WorkflowTaskFailedCause as Cause};

/// Refuse what no worker says: something after the command that closes the run, or nothing at all. The
/// task goes on, as if that had not been said.
pub(crate) fn check(commands: &[Command]) -> Result<(), RpcStatus> {
    let closing = commands.iter().position(is_close);
    if let Some(closing) = closing.filter(|closing| closing + 1 < commands.len()) {
        let names: Vec<String> = commands.iter().map(name).collect();
        return Err(RpcStatus::invalid_argument(format!(
            "invalid command sequence: [{}], command {} must be the last command.",
            names.join(", "),
            names[closing]
        )));
    }
    if commands.iter().any(|command| command.command_type() == CommandType::Unspecified) {
        return Err(RpcStatus::invalid_argument("unknown command type: Unspecified"));
    }
    Ok(())
}

/// `COMMAND_TYPE_START_TIMER` as the server prints it: `StartTimer`.
fn name(command: &Command) -> String {
    name_of(command.command_type())
}

fn name_of(kind: CommandType) -> String {
    pascal_case(kind.as_str_name().trim_start_matches("COMMAND_TYPE_"))
}

/// `BAD_START_TIMER_ATTRIBUTES` as the server prints it: `BadStartTimerAttributes`.
pub(crate) fn pascal_case(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_owned() + &word[1..].to_lowercase()).collect()
}

/// A command that says only of which kind it is.
pub(super) fn no_attributes(kind: CommandType) -> Refusal {
    use CommandType as C;
    let cause = match kind {
        C::ScheduleActivityTask => Cause::BadScheduleActivityAttributes,
        C::RequestCancelActivityTask => Cause::BadRequestCancelActivityAttributes,
        C::StartTimer => Cause::BadStartTimerAttributes,
        C::CancelTimer => Cause::BadCancelTimerAttributes,
        C::RecordMarker => Cause::BadRecordMarkerAttributes,
        C::CompleteWorkflowExecution => Cause::BadCompleteWorkflowExecutionAttributes,
        C::FailWorkflowExecution => Cause::BadFailWorkflowExecutionAttributes,
        C::CancelWorkflowExecution => Cause::BadCancelWorkflowExecutionAttributes,
        C::ContinueAsNewWorkflowExecution => Cause::BadContinueAsNewAttributes,
        C::StartChildWorkflowExecution => Cause::BadStartChildExecutionAttributes,
        C::SignalExternalWorkflowExecution => Cause::BadSignalWorkflowExecutionAttributes,
        C::RequestCancelExternalWorkflowExecution => {
            Cause::BadRequestCancelExternalWorkflowExecutionAttributes
        }
        C::UpsertWorkflowSearchAttributes => Cause::BadSearchAttributes,
        C::ModifyWorkflowProperties => Cause::BadModifyWorkflowPropertiesAttributes,
        _ => Cause::Unspecified,
    };
    let name = name_of(kind);
    Refusal::new(cause, format!("{name}CommandAttributes is not set on {name}Command."))
}
