//! Every RPC by name. The table is written by `build.rs` from the descriptors; each line decodes the
//! request into its generated type, so that the client can add what it adds for that type.

use std::time::Duration;

use futures_util::future::BoxFuture;
use prost::Message;
use temporalio_client::{
    Connection,
    tonic::{Request, Status, metadata::MetadataMap},
};

use crate::error::{Failure, Outcome};

/// A request that is still bytes.
#[derive(Clone)]
pub(crate) struct RawRequest {
    pub(crate) body: bytes::Bytes,
    pub(crate) timeout: Option<Duration>,
    pub(crate) metadata: MetadataMap,
}

impl RawRequest {
    fn typed<M: Message + Default>(self) -> Result<Request<M>, Status> {
        let message = M::decode(self.body)
            .map_err(|error| Status::internal(format!("the request is malformed: {error}")))?;
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata;
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        Ok(request)
    }
}

pub(crate) type Answer = BoxFuture<'static, Result<Vec<u8>, Status>>;

macro_rules! rpc_table {
    ($($service:literal => $accessor:ident { $($name:literal => $method:ident,)* })*) => {
        /// Call a method of a service once. Unknown names are refused before anything is sent.
        #[allow(clippy::too_many_lines)] // a table
        pub(crate) fn call(
            connection: &Connection,
            service: &str,
            method: &str,
            request: RawRequest,
        ) -> Outcome<Answer> {
            match service {
                $($service => {
                    let mut client = connection.$accessor();
                    match method {
                        $($name => Ok(Box::pin(async move {
                            let response = client.$method(request.typed()?).await?;
                            Ok(response.into_inner().encode_to_vec())
                        })),)*
                        _ => Err(Failure::bad_argument(format!("rpc: {service} has no {method}"))),
                    }
                })*
                _ => Err(Failure::bad_argument(format!("service: {service} can't be called"))),
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/rpc_table.rs"));
