//! `RemoveSearchAttributes`: no more workflows are found by these. Those that have some keep them.

use super::add_search_attributes::change;
use crate::RpcStatus;
use crate::attributes;
use crate::context::{Context, Failure};
use crate::proto::operator::{RemoveSearchAttributesRequest, RemoveSearchAttributesResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: RemoveSearchAttributesRequest,
) -> Result<RemoveSearchAttributesResponse, Failure> {
    let invalid = |message: String| Err(RpcStatus::invalid_argument(message).into());
    if request.search_attributes.is_empty() {
        return invalid("SearchAttributes are not set on request.".into());
    }
    if let Some(name) = request.search_attributes.iter().find(|name| attributes::is_system(name)) {
        return invalid(format!("Unable to remove non-custom search attributes: {name}."));
    }
    change(context, &request.namespace, |record| {
        for name in &request.search_attributes {
            record.search_attributes.remove(name);
        }
    })?;
    Ok(RemoveSearchAttributesResponse {})
}
