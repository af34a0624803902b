//! Connecting: to a cluster by gRPC, or to an embedded engine through core's own client.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use pyo3::{prelude::*, types::PyBool};
use temporalio_client::{
    ClientTlsOptions, Connection, ConnectionOptions, GrpcCompression, TlsOptions, Url,
    errors::ClientConnectError,
};

use super::{
    channel::{Address, CLIENT_NAME, RawChannel},
    embedded_service::EmbeddedService,
};
use crate::{
    error::{Failure, Kind, Outcome},
    payload::bytes_from,
};

/// The arguments of `Client.connect`.
pub(crate) struct Target {
    pub(crate) embedded: Option<Arc<EmbeddedService>>,
    pub(crate) cluster: Option<String>,
    pub(crate) identity: String,
    pub(crate) api_key: Option<String>,
    pub(crate) tls: Option<TlsOptions>,
    pub(crate) rpc_metadata: HashMap<String, String>,
    pub(crate) connect_timeout: Duration,
}

impl Target {
    /// The channel for a client's own calls. Fails where [`connect`] fails, and says less about it:
    /// ask for it first, look at it last.
    pub(crate) fn channel(&self) -> Outcome<RawChannel> {
        let target = self.cluster.as_deref().unwrap_or_default();
        let url = cluster_url(target, self.tls.is_some())?;
        let secure = url.scheme() == "https";
        RawChannel::new(Address {
            url,
            tls: secure.then(|| self.tls.clone().unwrap_or_default()),
            api_key: self.api_key.clone(),
            rpc_metadata: self.rpc_metadata.clone(),
            connect_timeout: self.connect_timeout,
        })
    }

    /// The options for core, with every mistake in them found.
    fn options(self) -> Outcome<(String, ConnectionOptions)> {
        let (url, name) = match (&self.embedded, &self.cluster) {
            (Some(_), Some(_)) => {
                let why = "engine, target_url: a client is connected to one of them, not to both";
                return Err(Failure::bad_argument(why));
            }
            (None, None) => {
                return Err(Failure::bad_argument("engine, target_url: one of them is needed"));
            }
            (Some(_), None) => (embedded_url()?, "the embedded engine".to_owned()),
            (None, Some(target)) => (cluster_url(target, self.tls.is_some())?, target.clone()),
        };
        let tls = match url.scheme() {
            "https" => Some(self.tls.unwrap_or_default()),
            _ => None,
        };
        let embedded = self.embedded.is_some();
        let compression = if embedded { GrpcCompression::None } else { GrpcCompression::Gzip };
        let options = ConnectionOptions::new(url)
            .identity(self.identity)
            .client_name(CLIENT_NAME)
            .client_version(env!("CARGO_PKG_VERSION"))
            .maybe_api_key(self.api_key)
            .maybe_tls_options(tls)
            .headers(self.rpc_metadata)
            .connect_timeout(self.connect_timeout)
            .dns_load_balancing(None)
            .grpc_compression(compression)
            .maybe_service_override(self.embedded.map(EmbeddedService::callback))
            .build();
        Ok((name, options))
    }
}

/// Never dialled: core wants a URL, and metrics show it.
fn embedded_url() -> Outcome<Url> {
    Url::parse("http://hourglass.embedded").map_err(|error| Failure::internal(error.to_string()))
}

fn cluster_url(target: &str, tls: bool) -> Outcome<Url> {
    let refuse = |why: String| {
        let hint = "a cluster's address looks like http://localhost:7233";
        Failure::new(Kind::BadTarget, format!("{target:?}: {why}; {hint}"))
    };
    let mut url = Url::parse(target).map_err(|error| refuse(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(format!("unknown scheme {:?}", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("no host".to_owned()));
    }
    if tls && url.set_scheme("https").is_err() {
        return Err(refuse("can't use TLS".to_owned()));
    }
    Ok(url)
}

/// Connect, in no more than the time given.
pub(crate) async fn connect(target: Target) -> Outcome<Connection> {
    let patience = target.connect_timeout;
    let (name, options) = target.options()?;
    let unreachable =
        |why: String| Failure::new(Kind::Connect, format!("can't reach {name}: {why}"));
    match tokio::time::timeout(patience, Connection::connect(options)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(refused(&error, unreachable)),
        Err(_) => {
            let seconds = patience.as_secs_f64();
            Err(unreachable(format!("no answer in {seconds} seconds")))
        }
    }
}

fn refused(error: &ClientConnectError, unreachable: impl Fn(String) -> Failure) -> Failure {
    match error {
        ClientConnectError::InvalidUri(_) | ClientConnectError::InvalidConfig(_) => {
            Failure::new(Kind::BadTarget, error.to_string())
        }
        ClientConnectError::InvalidHeaders(why) => {
            Failure::bad_argument(format!("rpc_metadata: {why}"))
        }
        ClientConnectError::SystemInfoCallError(status) => match Failure::rpc(status) {
            failure if failure.kind == Kind::Database => failure,
            failure => Failure {
                kind: Kind::Connect,
                message: unreachable(status.message().to_owned()).message,
                ..failure
            },
        },
        other => unreachable(chain(other)),
    }
}

/// An error with all its causes, once each: the innermost says what happened.
fn chain(error: &dyn Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !causes.contains(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// The `tls` keyword: a bool, or a mapping with the options.
pub(crate) fn tls_from(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<TlsOptions>> {
    let Some(value) = value else {
        return Ok(None);
    };
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().then(TlsOptions::default));
    }
    let mut tls = TlsOptions::default();
    let (mut cert, mut key) = (None, None);
    for item in value.call_method0("items")?.try_iter()? {
        let (name, value): (String, Bound<'_, PyAny>) = item?.extract()?;
        match name.as_str() {
            "domain" => tls.domain = Some(value.extract()?),
            "server_root_ca_cert" => {
                tls.server_root_ca_cert = Some(bytes_from("tls.server_root_ca_cert", &value)?);
            }
            "client_cert" => cert = Some(bytes_from("tls.client_cert", &value)?),
            "client_private_key" => key = Some(bytes_from("tls.client_private_key", &value)?),
            _ => {
                return Err(Failure::bad_argument(format!("tls.{name}: unknown option")).into());
            }
        }
    }
    tls.client_tls_options = match (cert, key) {
        (Some(cert), Some(key)) => {
            Some(ClientTlsOptions::builder().client_cert(cert).client_private_key(key).build())
        }
        (None, None) => None,
        _ => {
            let why = "tls: client_cert and client_private_key belong together";
            return Err(Failure::bad_argument(why).into());
        }
    };
    Ok(Some(tls))
}
