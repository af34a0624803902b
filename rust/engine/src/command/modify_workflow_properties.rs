//! `ModifyWorkflowProperties`: the memo.

use crate::command::scope::{Refusal, Scope};
use crate::proto::command::ModifyWorkflowPropertiesCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::{Attributes, history, merge};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: ModifyWorkflowPropertiesCommandAttributes,
) -> Result<(), Refusal> {
    let Some(upserted) = attributes.upserted_memo else {
        let message = "UpsertedMemo is not set on ModifyWorkflowPropertiesCommand.";
        return Err(Refusal::new(Cause::BadModifyWorkflowPropertiesAttributes, message));
    };
    if upserted.fields.is_empty() {
        let message = "UpsertedMemo.Fields is not set on ModifyWorkflowPropertiesCommand.";
        return Err(Refusal::new(Cause::BadModifyWorkflowPropertiesAttributes, message));
    }
    super::check_size(
        Some(&upserted),
        Cause::BadModifyWorkflowPropertiesAttributes,
        "ModifyWorkflowPropertiesCommandAttributes",
    )?;
    let record = &mut scope.run.state().record;
    merge(&mut record.memo.get_or_insert_default().fields, upserted.fields.clone());
    let completed = scope.completed_event_id;
    scope.append(Attributes::WorkflowPropertiesModifiedEventAttributes(
        history::WorkflowPropertiesModifiedEventAttributes {
            workflow_task_completed_event_id: completed,
            upserted_memo: Some(upserted),
        },
    ));
    Ok(())
}
