//! `GetSystemInfo`: what the engine can do. Clients leave out what is not claimed here.

use crate::context::{Context, Failure};
use crate::proto::service::get_system_info_response::Capabilities;
use crate::proto::service::{GetSystemInfoRequest, GetSystemInfoResponse};

/// The version of Temporal's server whose behaviour this engine follows.
pub(super) const SERVER_VERSION: &str = "1.29.1";

#[allow(clippy::unnecessary_wraps, reason = "the shape of every handler")]
pub(crate) fn handle(
    _: &mut Context,
    _: GetSystemInfoRequest,
) -> Result<GetSystemInfoResponse, Failure> {
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
