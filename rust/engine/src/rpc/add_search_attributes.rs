//! `AddSearchAttributes`: declare what workflows of a namespace may be found by.

use crate::RpcStatus;
use crate::attributes::{self, Kind};
use crate::context::{Context, Failure};
use crate::proto::operator::{AddSearchAttributesRequest, AddSearchAttributesResponse};
use crate::store::NamespaceRecord;

pub(crate) fn handle(
    context: &mut Context,
    request: AddSearchAttributesRequest,
) -> Result<AddSearchAttributesResponse, Failure> {
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
) -> Result<(), Failure> {
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
