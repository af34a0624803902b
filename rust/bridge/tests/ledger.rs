//! The order of completions, of one run and of several. The library itself is a Python module, which
//! no test can link, so the ledger is compiled here.

#[allow(dead_code)] // only its order is looked at
#[path = "../src/worker/ledger.rs"]
mod ledger;

mod error {
    pub(crate) type Outcome<T> = Result<T, String>;
}

use ledger::{Ledger, Shipment};
use temporalio_protos::coresdk::workflow_completion::WorkflowActivationCompletion;
use tokio::sync::oneshot;

fn shipment(run_id: &str) -> Shipment {
    Shipment { completion: WorkflowActivationCompletion::empty(run_id), reply: None }
}

fn run_of(shipped: Option<Shipment>) -> Option<String> {
    shipped.map(|shipment| shipment.completion.run_id)
}

#[test]
fn b42a_completions_of_one_run_go_one_after_the_other_and_runs_do_not_wait() {
    let mut ledger = Ledger::new(1);
    assert_eq!(run_of(ledger.complete(shipment("a"))).as_deref(), Some("a"));
    assert!(ledger.complete(shipment("a")).is_none(), "the first is under way");
    assert!(ledger.complete(shipment("a")).is_none());
    assert_eq!(run_of(ledger.complete(shipment("b"))).as_deref(), Some("b"));
    for _ in 0..2 {
        assert_eq!(run_of(ledger.shipped("a")).as_deref(), Some("a"));
    }
    assert!(ledger.shipped("a").is_none(), "nothing more waits");
    assert_eq!(run_of(ledger.complete(shipment("a"))).as_deref(), Some("a"));
    assert!(ledger.shipped("b").is_none());
    assert_eq!(ledger.workflow_tasks(), 1, "the last of a is under way");
}

#[test]
fn b42a_waiting_completions_keep_their_order() {
    let mut ledger = Ledger::new(1);
    assert!(ledger.complete(shipment("a")).is_some());
    let (first, mut told_first) = oneshot::channel();
    let (second, mut told_second) = oneshot::channel();
    for reply in [first, second] {
        assert!(ledger.complete(Shipment { reply: Some(reply), ..shipment("a") }).is_none());
    }
    let next = ledger.shipped("a").and_then(|shipment| shipment.reply);
    assert!(next.is_some_and(|reply| reply.send(Ok(())).is_ok()));
    assert!(told_first.try_recv().is_ok());
    assert!(told_second.try_recv().is_err());
}
