//! `ListSearchAttributes`: what workflows of a namespace may be found by.

use super::add_search_attributes::name_of;
use crate::attributes;
use crate::context::{Context, Failure};
use crate::proto::operator::{ListSearchAttributesRequest, ListSearchAttributesResponse};

pub(crate) fn handle(
    context: &mut Context,
    request: ListSearchAttributesRequest,
) -> Result<ListSearchAttributesResponse, Failure> {
    let name = name_of(&request.namespace);
    context.namespace(name)?;
    let record = context.env.namespaces.get(name).map(|(_, record)| record.clone());
    Ok(ListSearchAttributesResponse {
        custom_attributes: record.unwrap_or_default().search_attributes,
        system_attributes: attributes::system(),
        ..Default::default()
    })
}
