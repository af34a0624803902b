//! `UpsertWorkflowSearchAttributes`.

use crate::command::scope::{Refusal, Scope};
use crate::proto::command::UpsertWorkflowSearchAttributesCommandAttributes;
use crate::proto::enums::WorkflowTaskFailedCause as Cause;
use crate::proto::{Attributes, history, merge};

pub(crate) fn apply(
    scope: &mut Scope<'_>,
    attributes: UpsertWorkflowSearchAttributesCommandAttributes,
) -> Result<(), Refusal> {
    let Some(mut upserted) = attributes.search_attributes else {
        let message = "SearchAttributes is not set on UpsertWorkflowSearchAttributesCommand.";
        return Err(Refusal::new(Cause::BadSearchAttributes, message));
    };
    if upserted.indexed_fields.is_empty() {
        let message = "IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.";
        return Err(Refusal::new(Cause::BadSearchAttributes, message));
    }
    super::check_attributes(scope, "", Some(&mut upserted))?;
    merge(&mut scope.run.search_attributes().indexed_fields, upserted.indexed_fields.clone());
    let completed = scope.completed_event_id;
    scope.append(Attributes::UpsertWorkflowSearchAttributesEventAttributes(
        history::UpsertWorkflowSearchAttributesEventAttributes {
            workflow_task_completed_event_id: completed,
            search_attributes: Some(upserted),
        },
    ));
    Ok(())
}
