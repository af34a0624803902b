//! All events of a run, over all pages.

use temporalio_protos::temporal::api::{common::v1::WorkflowExecution, history::v1::History};

use super::await_workflow::Service;
use crate::error::Outcome;

/// The history, and the run it is of.
pub(crate) async fn all_pages(
    service: &Service,
    workflow_id: String,
    run_id: String,
) -> Outcome<(History, WorkflowExecution)> {
    let run_id = match run_id.as_str() {
        "" => service.latest_run(&workflow_id).await?,
        _ => run_id,
    };
    let run = WorkflowExecution { workflow_id, run_id };
    let mut events = Vec::new();
    let mut token = Vec::new();
    loop {
        let page = service.history_page(&run, token, false).await?;
        events.extend(page.history.map(|history| history.events).unwrap_or_default());
        token = page.next_page_token;
        if token.is_empty() {
            return Ok((History { events }, run));
        }
    }
}
