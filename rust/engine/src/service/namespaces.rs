//! Namespaces: registered, described, listed.

use crate::ids::NamespaceKey;
use crate::policy::limits::BLOB_LIMIT;
use crate::proto::enums::{ArchivalState, NamespaceState};
use crate::proto::errordetails::NamespaceAlreadyExistsFailure;
use crate::proto::namespace::namespace_info::{Capabilities, Limits};
use crate::proto::namespace::{NamespaceConfig, NamespaceInfo};
use crate::proto::nanos;
use crate::proto::service::{
    DescribeNamespaceRequest, DescribeNamespaceResponse, ListNamespacesRequest,
    ListNamespacesResponse, RegisterNamespaceRequest, RegisterNamespaceResponse,
};
use crate::store::NamespaceRecord;
use crate::transaction::context::{CallError, Context};
use crate::{Code, RpcStatus};

/// A week: the namespace that is always there keeps its closed runs for as long, in name.
const RETENTION: i64 = 7 * 24 * 3600 * 1_000_000_000;

/// `RegisterNamespace`.
pub(crate) fn register_namespace(
    context: &mut Context,
    request: RegisterNamespaceRequest,
) -> Result<RegisterNamespaceResponse, CallError> {
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

/// Make the namespace that is always there, unless it is.
pub(crate) fn make_default_namespace(context: &mut Context) -> Result<(), CallError> {
    if context.env.namespaces.contains_key("default") {
        return Ok(());
    }
    let record =
        NamespaceRecord { name: "default".into(), retention: RETENTION, ..Default::default() };
    register(context, record)
}

/// Add a namespace.
fn register(context: &mut Context, mut record: NamespaceRecord) -> Result<(), CallError> {
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

/// `DescribeNamespace`.
pub(crate) fn describe_namespace(
    context: &mut Context,
    request: DescribeNamespaceRequest,
) -> Result<DescribeNamespaceResponse, CallError> {
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

/// Describe a namespace.
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
            // Nothing is deleted by itself yet, whatever the namespace was registered with.
            workflow_execution_retention_ttl: None,
            history_archival_state: ArchivalState::Disabled.into(),
            visibility_archival_state: ArchivalState::Disabled.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Namespaces on a page, unless the caller says otherwise.
const PAGE: usize = 100;

/// `ListNamespaces`: all of them, by name.
pub(crate) fn list_namespaces(
    context: &mut Context,
    request: ListNamespacesRequest,
) -> Result<ListNamespacesResponse, CallError> {
    let size = usize::try_from(request.page_size).ok().filter(|size| *size > 0).unwrap_or(PAGE);
    let mut records: Vec<_> = context.env.namespaces.values().map(|(_, record)| record).collect();
    records.sort_by(|a, b| a.name.cmp(&b.name));
    // A page begins after the name that its token is.
    let from = records.partition_point(|record| {
        !request.next_page_token.is_empty() && record.name.as_bytes() <= &*request.next_page_token
    });
    let page = &records[from..records.len().min(from + size)];
    let more = from + page.len() < records.len();
    let last = page.last().filter(|_| more).map(|record| record.name.clone().into_bytes());
    Ok(ListNamespacesResponse {
        namespaces: page.iter().map(|record| description(record)).collect(),
        next_page_token: last.unwrap_or_default(),
    })
}
