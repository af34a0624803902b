//! `RegisterNamespace`.

use crate::context::{Context, Failure};
use crate::ids::NamespaceKey;
use crate::proto::errordetails::NamespaceAlreadyExistsFailure;
use crate::proto::nanos;
use crate::proto::service::{RegisterNamespaceRequest, RegisterNamespaceResponse};
use crate::store::NamespaceRecord;
use crate::{Code, RpcStatus};

pub(crate) fn handle(
    context: &mut Context,
    request: RegisterNamespaceRequest,
) -> Result<RegisterNamespaceResponse, Failure> {
    if request.namespace.is_empty() {
        return Err(RpcStatus::invalid_argument("Namespace not set on request.").into());
    }
    if context.env.namespaces.contains_key(&request.namespace) {
        let status = RpcStatus::with_detail(
            Code::AlreadyExists,
            "Namespace already exists.",
            "NamespaceAlreadyExistsFailure",
            &NamespaceAlreadyExistsFailure {},
        );
        return Err(status.into());
    }
    let record = NamespaceRecord {
        name: request.namespace,
        id: String::new(),
        description: request.description,
        owner_email: request.owner_email,
        retention: nanos(request.workflow_execution_retention_period.as_ref()),
        data: request.data,
        ..Default::default()
    };
    register(context, record)?;
    Ok(RegisterNamespaceResponse {})
}

/// Add a namespace.
pub(crate) fn register(context: &mut Context, mut record: NamespaceRecord) -> Result<(), Failure> {
    record.id =
        uuid::Builder::from_random_bytes(context.env.entropy.bytes()).into_uuid().to_string();
    let key = context.env.namespaces.values().map(|(key, _)| key.0).max().unwrap_or(0) + 1;
    let key = NamespaceKey(key);
    context.begin()?;
    context.store.insert_namespace(key, &record)?;
    context.added_namespaces.push(record.name.clone());
    context.env.namespaces.insert(record.name.clone(), (key, record));
    Ok(())
}
