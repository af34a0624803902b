//! The service as a whole.

use crate::proto::service::get_system_info_response::Capabilities;
use crate::proto::service::{
    GetClusterInfoRequest, GetClusterInfoResponse, GetSystemInfoRequest, GetSystemInfoResponse,
};
use crate::transaction::context::{CallError, Context};

/// Which versions of clients the server of that version admits.
const CLIENTS: [(&str, &str); 9] = [
    ("temporal-cli", "<2.0.0"),
    ("temporal-go", "<2.0.0"),
    ("temporal-java", "<2.0.0"),
    ("temporal-php", "<3.0.0"),
    ("temporal-python", "<2.0.0"),
    ("temporal-server", "<2.0.0"),
    ("temporal-typescript", "<2.0.0"),
    ("temporal-ui", "<3.0.0"),
    ("temporal-ruby", "<2.0.0"),
];

/// `GetClusterInfo`: what the engine would be as a cluster. Temporal's UI asks for it first.
pub(crate) fn get_cluster_info(
    _: &mut Context,
    _: GetClusterInfoRequest,
) -> Result<GetClusterInfoResponse, CallError> {
    let clients = CLIENTS.map(|(name, versions)| (name.to_owned(), versions.to_owned()));
    Ok(GetClusterInfoResponse {
        supported_clients: clients.into(),
        server_version: SERVER_VERSION.into(),
        cluster_name: "active".into(),
        history_shard_count: 1,
        persistence_store: "sqlite".into(),
        visibility_store: "sqlite".into(),
        initial_failover_version: 1,
        failover_version_increment: 10,
        ..Default::default()
    })
}

/// The version of Temporal's server whose behaviour this engine follows.
pub(super) const SERVER_VERSION: &str = "1.29.1";

#[allow(clippy::unnecessary_wraps, reason = "the shape of every handler")]
/// `GetSystemInfo`: what the engine can do. Clients leave out what is not claimed here.
pub(crate) fn get_system_info(
    _: &mut Context,
    _: GetSystemInfoRequest,
) -> Result<GetSystemInfoResponse, CallError> {
    Ok(GetSystemInfoResponse {
        server_version: SERVER_VERSION.into(),
        capabilities: Some(Capabilities {
            signal_and_query_header: true,
            internal_error_differentiation: true,
            activity_failure_include_heartbeat: true,
            supports_schedules: true,
            encoded_failure_attributes: true,
            build_id_based_versioning: true,
            upsert_memo: true,
            eager_workflow_start: true,
            sdk_metadata: true,
            count_group_by_execution_status: true,
            nexus: true,
            ..Default::default()
        }),
    })
}
