//! `ListNamespaces`: all of them, by name.

use super::describe_namespace::description;
use crate::context::{Context, Failure};
use crate::proto::service::{ListNamespacesRequest, ListNamespacesResponse};

/// Namespaces on a page, unless the caller says otherwise.
const PAGE: usize = 100;

pub(crate) fn handle(
    context: &mut Context,
    request: ListNamespacesRequest,
) -> Result<ListNamespacesResponse, Failure> {
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
