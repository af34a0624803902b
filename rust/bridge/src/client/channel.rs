//! Calls to a cluster, bytes in and bytes out.
//!
//! Core's connection has a typed method for each of Temporal's RPCs. Calling them by name through it
//! makes the compiler write a gRPC client, a codec and two trees of messages for every one: minutes
//! for this crate alone. A request is bytes already when it gets here, so a channel of its own that
//! never looks into it needs all of that once. It also keeps a client's calls from queueing behind
//! the long polls of workers, which stay on core's connection.

use std::{collections::HashMap, time::Duration};

use bytes::{Buf, BufMut, Bytes};
use temporalio_client::{
    TlsOptions, Url,
    tonic::{
        Request, Status,
        client::Grpc,
        codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
        codegen::http::uri::PathAndQuery,
        metadata::{AsciiMetadataValue, MetadataMap},
        transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
    },
};

use super::{request, transport::Rpc};
use crate::error::{Failure, Kind, Outcome};

pub(crate) const CLIENT_NAME: &str = "hourglass";
/// Equal to core's limit.
const LARGEST_RESPONSE: usize = 128 * 1024 * 1024;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// The caller's identity, and the way to the cluster.
pub(crate) struct Address {
    pub(crate) url: Url,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) api_key: Option<String>,
    pub(crate) rpc_metadata: HashMap<String, String>,
    pub(crate) connect_timeout: Duration,
}

/// A channel to a cluster. Connects at the first call, and again when it has to.
#[derive(Clone)]
pub(crate) struct RawChannel {
    grpc: Grpc<Channel>,
    metadata: MetadataMap,
}

impl RawChannel {
    pub(crate) fn new(address: Address) -> Outcome<Self> {
        let refuse = |error: &dyn std::fmt::Display| {
            Failure::new(Kind::BadTarget, format!("{}: {error}", address.url))
        };
        let mut endpoint = Endpoint::from_shared(address.url.to_string())
            .map_err(|error| refuse(&error))?
            .connect_timeout(address.connect_timeout)
            .keep_alive_while_idle(true)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
        if let Some(tls) = &address.tls {
            endpoint = endpoint.tls_config(tls_config(tls)).map_err(|error| refuse(&error))?;
        }
        let mut metadata = request::metadata_from("rpc_metadata", &address.rpc_metadata)?;
        for (name, value) in
            [("client-name", CLIENT_NAME), ("client-version", env!("CARGO_PKG_VERSION"))]
        {
            if !metadata.contains_key(name) {
                metadata.insert(name, AsciiMetadataValue::from_static(value));
            }
        }
        if let Some(key) = address.api_key {
            let value = format!("Bearer {key}")
                .parse()
                .map_err(|_| Failure::bad_argument("api_key: not a value of metadata"))?;
            metadata.insert("authorization", value);
        }
        let grpc = Grpc::new(endpoint.connect_lazy())
            .max_decoding_message_size(LARGEST_RESPONSE)
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip);
        Ok(Self { grpc, metadata })
    }

    /// Make a call once.
    pub(crate) async fn call(&self, rpc: &Rpc, timeout: Duration) -> Result<Bytes, Status> {
        let path = PathAndQuery::try_from(format!("/{}/{}", rpc.service, rpc.method))
            .map_err(|error| Status::internal(error.to_string()))?;
        let mut request = Request::new(rpc.body.clone());
        let mut metadata = self.metadata.clone().into_headers();
        metadata.extend(rpc.metadata.clone().into_headers());
        *request.metadata_mut() = MetadataMap::from_headers(metadata);
        request.set_timeout(timeout);
        let mut grpc = self.grpc.clone();
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(grpc.unary(request, path, Raw).await?.into_inner())
    }
}

fn tls_config(tls: &TlsOptions) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new();
    config = match &tls.server_root_ca_cert {
        Some(root) => config.ca_certificate(Certificate::from_pem(root)),
        None => config.with_native_roots(),
    };
    if let Some(domain) = &tls.domain {
        config = config.domain_name(domain);
    }
    if let Some(client) = &tls.client_tls_options {
        config =
            config.identity(Identity::from_pem(&client.client_cert, &client.client_private_key));
    }
    config
}

/// The codec that leaves messages as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
