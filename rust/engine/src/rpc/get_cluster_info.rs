//! `GetClusterInfo`: what the engine would be as a cluster. Temporal's UI asks for it first.

use super::get_system_info::SERVER_VERSION;
use crate::context::{Context, Failure};
use crate::proto::service::{GetClusterInfoRequest, GetClusterInfoResponse};

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

pub(crate) fn handle(
    _: &mut Context,
    _: GetClusterInfoRequest,
) -> Result<GetClusterInfoResponse, Failure> {
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
