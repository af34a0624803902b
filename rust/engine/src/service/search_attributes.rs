//! Search attributes: declared, listed, removed.

use crate::RpcStatus;
use crate::proto::operator::{
    AddSearchAttributesRequest, AddSearchAttributesResponse, ListSearchAttributesRequest,
    ListSearchAttributesResponse, RemoveSearchAttributesRequest, RemoveSearchAttributesResponse,
};
use crate::store::NamespaceRecord;
use crate::transaction::context::{CallError, Context};
use crate::visibility::attributes;
use crate::visibility::attributes::Kind;

/// `AddSearchAttributes`: declare what workflows of a namespace may be found by.
pub(crate) fn add_search_attributes(
    context: &mut Context,
    request: AddSearchAttributesRequest,
) -> Result<AddSearchAttributesResponse, CallError> {
    let invalid = |message: String| Err(RpcStatus::invalid_argument(message).into());
    if request.search_attributes.is_empty() {
        return invalid("SearchAttributes are not set on request.".into());
    }
    for (name, kind) in &request.search_attributes {
        if attributes::is_reserved(name) {
            return invalid(format!("Search attribute {name} is reserved by system."));
        }
        match Kind::try_from(*kind) {
            Err(_) => return invalid(format!("Unknown search attribute type: {kind}.")),
            Ok(Kind::Unspecified) => {
                return invalid(
                    "Unable to create search attributes: cannot have more than 0 search attribute of \
                     type Unspecified."
                        .into(),
                );
            }
            Ok(_) => {}
        }
    }
    change(context, &request.namespace, |record| {
        for (name, kind) in request.search_attributes {
            record.search_attributes.entry(name).or_insert(kind); // the first declaration stays
        }
    })?;
    Ok(AddSearchAttributesResponse {})
}

/// The namespace that an operator means who says none.
pub(super) fn name_of(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// Change a namespace, on the disk and in memory.
pub(super) fn change(
    context: &mut Context,
    namespace: &str,
    change: impl FnOnce(&mut NamespaceRecord),
) -> Result<(), CallError> {
    let name = name_of(namespace);
    let key = context.namespace(name)?;
    let Some((_, before)) = context.env.namespaces.get(name).cloned() else { return Ok(()) };
    let mut record = before.clone();
    change(&mut record);
    if record != before {
        context.begin()?;
        context.store.update_namespace(key, &record)?;
        context.changed_namespaces.push((key, before));
        context.env.namespaces.insert(name.to_owned(), (key, record));
    }
    Ok(())
}

/// `ListSearchAttributes`: what workflows of a namespace may be found by.
pub(crate) fn list_search_attributes(
    context: &mut Context,
    request: ListSearchAttributesRequest,
) -> Result<ListSearchAttributesResponse, CallError> {
    let name = name_of(&request.namespace);
    context.namespace(name)?;
    let record = context.env.namespaces.get(name).map(|(_, record)| record.clone());
    Ok(ListSearchAttributesResponse {
        custom_attributes: record.unwrap_or_default().search_attributes,
        system_attributes: attributes::system(),
        ..Default::default()
    })
}

/// `RemoveSearchAttributes`: no more workflows are found by these. Those that have some keep them.
pub(crate) fn remove_search_attributes(
    context: &mut Context,
    request: RemoveSearchAttributesRequest,
) -> Result<RemoveSearchAttributesResponse, CallError> {
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
