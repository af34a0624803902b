//! `DescribeNamespace`.

use crate::RpcStatus;
use crate::context::{Context, Failure};
use crate::machine::workflow::BLOB_LIMIT;
use crate::proto::enums::{ArchivalState, NamespaceState};
use crate::proto::from_nanos;
use crate::proto::namespace::namespace_info::{Capabilities, Limits};
use crate::proto::namespace::{NamespaceConfig, NamespaceInfo};
use crate::proto::service::{DescribeNamespaceRequest, DescribeNamespaceResponse};
use crate::store::NamespaceRecord;

pub(crate) fn handle(
    context: &mut Context,
    request: DescribeNamespaceRequest,
) -> Result<DescribeNamespaceResponse, Failure> {
    let name = if request.namespace.is_empty() {
        let found = context.env.namespaces.values().find(|(_, record)| record.id == request.id);
        let found = found.filter(|_| !request.id.is_empty());
        found.map(|(_, record)| record.name.clone()).ok_or_else(|| {
            RpcStatus::not_found(format!("Namespace {:?} is not found.", request.id))
        })?
    } else {
        request.namespace
    };
    context.namespace(&name)?;
    let Some((_, record)) = context.env.namespaces.get(&name) else {
        return Err(RpcStatus::not_found(format!("Namespace {name} is not found.")).into());
    };
    Ok(description(record))
}

/// What is said of a namespace.
pub(super) fn description(record: &NamespaceRecord) -> DescribeNamespaceResponse {
    let limit = i64::try_from(BLOB_LIMIT).unwrap_or(i64::MAX);
    DescribeNamespaceResponse {
        namespace_info: Some(NamespaceInfo {
            name: record.name.clone(),
            state: NamespaceState::Registered.into(),
            description: record.description.clone(),
            owner_email: record.owner_email.clone(),
            data: record.data.clone(),
            id: record.id.clone(),
            capabilities: Some(Capabilities {
                worker_poll_complete_on_shutdown: true,
                standalone_activities: true,
                standalone_activity_start_delay: true,
                standalone_activity_operator_commands: true,
                ..Default::default()
            }),
            limits: Some(Limits {
                blob_size_limit_error: limit,
                memo_size_limit_error: limit,
                ..Default::default()
            }),
            supports_schedules: false,
        }),
        config: Some(NamespaceConfig {
            workflow_execution_retention_ttl: Some(from_nanos(record.retention)),
            history_archival_state: ArchivalState::Disabled.into(),
            visibility_archival_state: ArchivalState::Disabled.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}
