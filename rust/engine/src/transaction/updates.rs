//! Updates on their way to a workflow, and callers that wait for what becomes of them.
//!
//! An update is *admitted* when the engine has taken it in: from then on it travels with the run's
//! workflow tasks, as a message, until the worker accepts or rejects it. Being admitted is in memory
//! only, and nobody is told of it as if it were for ever: a caller whose engine goes away asks again.
//! *Accepted* and *completed* are events, and rows by the update's id, so that a request that is
//! repeated finds what the first one did. A rejected update leaves nothing.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use crate::history::fragment;
use crate::ids::{EventId, RunKey};
use crate::machine::speculative;
use crate::mutation::{Bug, planted};
use crate::proto::enums::UpdateWorkflowExecutionLifecycleStage as Stage;
use crate::proto::failure::Failure as Reason;
use crate::proto::protocol::Message;
use crate::proto::protocol::message::SequencingId;
use crate::proto::service::{
    PollWorkflowExecutionUpdateResponse, PollWorkflowTaskQueueResponse,
    StartWorkflowExecutionResponse, UpdateWorkflowExecutionResponse,
};
use crate::proto::update::outcome::Value;
use crate::proto::update::{Request, UpdateRef};
use crate::proto::{Attributes, common, update};
use crate::service::multi_operation;
use crate::service::signal::closing;
use crate::state::reply::{Reply, Responder};
use crate::state::task_queues::{ParkedAt, Ticket};
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{Context, Failure, Outcome};
use crate::transaction::page;
pub(crate) use crate::transaction::update_failures::not_ready;
use crate::transaction::update_failures::{aborted, cut_off, too_many_in_flight, unprocessed};
use crate::{Code, RpcStatus};

/// How long a caller waits for a stage before it is told which one is reached.
const LONG_POLL: Duration = Duration::from_secs(20);
/// Updates of a run that are not completed, at most.
pub(crate) const IN_FLIGHT: usize = 10;
/// Updates of a run, at most.
const TOTAL: usize = 2000;
/// What a caller is told whose update was not accepted when the run ended.
const ENDED: &str = "workflow update was aborted by closing workflow";
/// The type of the messages that carry updates to a worker.
const REQUEST_TYPE: &str = "type.googleapis.com/temporal.api.update.v1.Request";

/// An update that is neither accepted nor rejected.
struct Admitted {
    request: Request,
    /// An event holds it: a worker finds it there.
    on_record: bool,
    /// A worker has got it.
    sent: bool,
}

impl Admitted {
    fn id(&self) -> &str {
        update_id(&self.request)
    }
}

/// The id of an update.
pub(crate) fn update_id(request: &Request) -> &str {
    request.meta.as_ref().map_or("", |meta| &meta.update_id)
}

/// Which call waits.
pub(crate) enum Asked {
    Update,
    Poll,
    /// An update with the start of its workflow, which was answered with this.
    WithStart(Box<StartWorkflowExecutionResponse>),
}

/// A caller that waits for an update to reach a stage.
struct Waiter {
    run: RunKey,
    update_id: String,
    stage: Stage,
    asked: Asked,
    responder: Responder,
}

/// How far an update has come.
pub(crate) struct Reached {
    stage: Stage,
    outcome: Option<update::Outcome>,
}

impl Reached {
    const fn stage(stage: Stage) -> Self {
        Self { stage, outcome: None }
    }

    fn failed(failure: Reason) -> Self {
        let outcome = update::Outcome { value: Some(Value::Failure(failure)) };
        Self { stage: Stage::Completed, outcome: Some(outcome) }
    }
}

/// What the messages of a completed workflow task did to the run's updates.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) accepted: Vec<String>,
    pub(crate) rejected: Vec<(String, Reason)>,
}

/// All updates that are not accepted yet, and everybody who waits for any.
#[derive(Default)]
pub(crate) struct Updates {
    /// In order of arrival.
    admitted: HashMap<RunKey, Vec<Admitted>>,
    waiters: BTreeMap<Ticket, Waiter>,
    waiting: HashMap<RunKey, Vec<Ticket>>,
}

impl Updates {
    fn admitted(&self, run: RunKey) -> impl Iterator<Item = &Admitted> {
        self.admitted.get(&run).into_iter().flatten()
    }

    /// Whether there is something for the run's next workflow task to carry.
    pub(crate) fn is_admitted(&self, run: RunKey) -> bool {
        self.admitted.contains_key(&run)
    }

    /// The requests that are not accepted yet, by id.
    pub(crate) fn requests(&self, run: RunKey) -> HashMap<String, Option<Request>> {
        let request = |update: &Admitted| (!update.on_record).then(|| update.request.clone());
        self.admitted(run).map(|update| (update.id().to_owned(), request(update))).collect()
    }

    /// An update is on record as admitted.
    pub(crate) fn recall(&mut self, run: RunKey, request: Request) {
        if !self.admitted(run).any(|update| update.id() == update_id(&request)) {
            let admitted = Admitted { request, on_record: true, sent: false };
            self.admitted.entry(run).or_default().push(admitted);
        }
    }

    fn remove(&mut self, run: RunKey, id: &str) {
        if let Some(admitted) = self.admitted.get_mut(&run) {
            admitted.retain(|update| update.id() != id);
            if admitted.is_empty() {
                self.admitted.remove(&run);
            }
        }
    }

    fn add_waiter(&mut self, ticket: Ticket, waiter: Waiter) {
        self.waiting.entry(waiter.run).or_default().push(ticket);
        self.waiters.insert(ticket, waiter);
    }

    fn take_waiter(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(tickets) = self.waiting.get_mut(&waiter.run) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.waiting.remove(&waiter.run);
            }
        }
        Some(waiter)
    }

    fn take_waiters(&mut self, run: RunKey) -> Vec<(Ticket, Waiter)> {
        let tickets = self.waiting.remove(&run).unwrap_or_default();
        tickets.into_iter().filter_map(|t| Some((t, self.waiters.remove(&t)?))).collect()
    }

    /// A transaction with the run failed: forget its updates, and give everybody who waits for one.
    pub(crate) fn forget(&mut self, run: RunKey) -> Vec<Responder> {
        self.admitted.remove(&run);
        self.take_waiters(run).into_iter().map(|(_, waiter)| waiter.responder).collect()
    }

    /// The updates that are not accepted yet, by run and id.
    #[cfg(feature = "simulation")]
    pub(crate) fn all_admitted(&self) -> impl Iterator<Item = (RunKey, &str)> {
        self.admitted.iter().flat_map(|(run, all)| all.iter().map(|update| (*run, update.id())))
    }

    /// Who waits: for which update of which run, and whether for its outcome.
    #[cfg(feature = "simulation")]
    pub(crate) fn all_waiting(&self) -> impl Iterator<Item = (RunKey, &str, bool)> {
        let waiters = self.waiters.values();
        waiters.map(|w| (w.run, w.update_id.as_str(), w.stage == Stage::Completed))
    }

    /// Everybody who waits, to be told that the engine closes.
    pub(crate) fn drain(&mut self) -> Vec<Responder> {
        self.waiting.clear();
        std::mem::take(&mut self.waiters).into_values().map(|waiter| waiter.responder).collect()
    }
}

impl Context {
    // --- from clients ------------------------------------------------------------------------

    /// Take an update in, and see to it that a workflow task carries it.
    pub(crate) fn admit_update(&mut self, key: RunKey, request: Request) -> Result<(), Failure> {
        let admitted = self.updates.admitted(key).count();
        let Some((run, env)) = self.open_run(key)? else {
            return Err(RpcStatus::not_found("workflow execution already completed").into());
        };
        let accepted = usize::try_from(run.row.record.updates).unwrap_or(usize::MAX);
        if admitted + run.updates.len() >= IN_FLIGHT {
            return Err(too_many_in_flight().into());
        }
        if admitted.saturating_add(accepted) >= TOTAL {
            let message = format!("limit on number of total updates has been reached ({TOTAL})");
            return Err(RpcStatus::new(Code::FailedPrecondition, message).into());
        }
        speculative::schedule(run, env);
        self.updates.admitted.entry(key).or_default().push(Admitted {
            request,
            on_record: false,
            sent: false,
        });
        Ok(())
    }

    /// How far an update of a run, open or closed, has come; `None`: there is none of that id.
    pub(crate) fn reached(&mut self, key: RunKey, id: &str) -> Result<Option<Reached>, Failure> {
        self.load_run(key)?; // with what is on record as admitted
        if self.updates.admitted(key).any(|update| update.id() == id) {
            return Ok(Some(Reached::stage(Stage::Admitted)));
        }
        let Some(row) = self.store.update(key, id)? else { return Ok(None) };
        if row.completed != 0 {
            let outcome = Some(self.update_outcome(key, row.completed)?);
            return Ok(Some(Reached { stage: Stage::Completed, outcome }));
        }
        let is_open = self.row(key)?.is_some_and(|row| row.is_open());
        Ok(Some(if is_open { Reached::stage(Stage::Accepted) } else { Reached::failed(cut_off()) }))
    }

    fn update_outcome(&mut self, key: RunKey, event: EventId) -> Result<update::Outcome, Failure> {
        let fragments = page::read(self.store.as_mut(), self.runs.get(&key), key, event)?;
        let (parts, _) = page::cut(&fragments, event, 1);
        let found = parts.first().and_then(|part| fragment::decode(part).ok()?.pop());
        match found.and_then(|event| event.attributes) {
            Some(Attributes::WorkflowExecutionUpdateCompletedEventAttributes(completed)) => {
                Ok(completed.outcome.unwrap_or_default())
            }
            _ => Err(StoreError::Damaged("the outcome of an update is not there".into()).into()),
        }
    }

    /// Answer the caller when the update has reached that stage; let it wait when not.
    pub(crate) fn await_update(
        &mut self,
        row: &RunRow,
        update_id: String,
        stage: Stage,
        asked: Asked,
    ) -> Result<Outcome, Failure> {
        if let Some(reached) = self.reached(row.key, &update_id)?
            && reached.stage >= stage
        {
            let body = response(row, &update_id, reached, &asked);
            return Ok(Outcome::Done(Reply::new(Ok(body))));
        }
        if let Some(responder) = self.caller.responder.take() {
            let ticket = self.matching.park(self.expiry(LONG_POLL), ParkedAt::Update);
            let run = row.key;
            let waiter = Waiter { run, update_id, stage, asked, responder };
            self.updates.add_waiter(ticket, waiter);
        }
        Ok(Outcome::Parked)
    }

    /// A caller has waited for long enough: tell it what is reached.
    pub(crate) fn expired_update(
        &mut self,
        ticket: Ticket,
    ) -> Option<(Responder, Result<Bytes, RpcStatus>)> {
        let waiter = self.updates.take_waiter(ticket)?;
        let reached = self.reached(waiter.run, &waiter.update_id).ok().flatten();
        let row = self.row(waiter.run).ok().flatten();
        let result = match (row, reached) {
            (Some(row), Some(reached)) => {
                Ok(response(&row, &waiter.update_id, reached, &waiter.asked))
            }
            _ => Err(refused(&waiter.asked, aborted())),
        };
        Some((waiter.responder, result))
    }

    // --- to and from workers -----------------------------------------------------------------

    /// The updates that travel with the workflow task whose started event has that id, as more of the
    /// encoded answer to its poll. What a worker got with an earlier task and has not answered is
    /// repeated, unless that worker is still at it.
    pub(crate) fn travelling_updates(
        &mut self,
        key: RunKey,
        started_event_id: EventId,
        repeat: bool,
    ) -> Vec<u8> {
        let Some(admitted) = self.updates.admitted.get_mut(&key) else { return Vec::new() };
        let mut messages = Vec::new();
        for update in admitted.iter_mut().filter(|update| repeat || !update.sent) {
            update.sent = true;
            if update.on_record {
                continue;
            }
            messages.push(Message {
                id: format!("{}/request", update.id()),
                protocol_instance_id: update.id().to_owned(),
                sequencing_id: Some(SequencingId::EventId(started_event_id - 1)),
                body: Some(prost_wkt_types::Any {
                    type_url: REQUEST_TYPE.into(),
                    value: update.request.encode_to_vec(),
                }),
            });
        }
        PollWorkflowTaskQueueResponse { messages, ..Default::default() }.encode_to_vec()
    }

    /// A workflow task completed. Updates that its worker has got and did not answer are rejected,
    /// unless it is still at them.
    pub(crate) fn settle_updates(
        &mut self,
        key: RunKey,
        settled: Settled,
        still_at_them: bool,
    ) -> Result<(), Failure> {
        for id in settled.accepted {
            self.updates.remove(key, &id);
        }
        for (id, failure) in settled.rejected {
            self.reject_update(key, &id, &failure)?;
        }
        if !still_at_them {
            let ignored = self.updates.admitted(key).filter(|update| update.sent);
            let ignored: Vec<_> = ignored.map(|update| update.id().to_owned()).collect();
            for id in ignored {
                self.reject_update(key, &id, &unprocessed())?;
            }
        }
        Ok(())
    }

    fn reject_update(&mut self, key: RunKey, id: &str, failure: &Reason) -> Result<(), Failure> {
        self.updates.remove(key, id);
        if let Some((run, _)) = self.open_run(key)? {
            run.settle_admitted(id);
        }
        let Some(row) = self.row(key)? else { return Ok(()) };
        for (ticket, waiter) in self.updates.take_waiters(key) {
            if waiter.update_id == id {
                let body = response(&row, id, Reached::failed(failure.clone()), &waiter.asked);
                self.matching.unpark(ticket);
                self.reply(waiter.responder, Reply::new(Ok(body)));
            } else {
                self.updates.add_waiter(ticket, waiter);
            }
        }
        Ok(())
    }

    /// Updates of the run were accepted or completed, and that is written.
    pub(crate) fn answer_update_waiters(&mut self, key: RunKey) -> Result<(), Failure> {
        let Some(row) = self.row(key)? else { return Ok(()) };
        for (ticket, waiter) in self.updates.take_waiters(key) {
            match self.reached(key, &waiter.update_id)? {
                Some(reached) if reached.stage >= waiter.stage => {
                    let body = response(&row, &waiter.update_id, reached, &waiter.asked);
                    self.matching.unpark(ticket);
                    self.reply(waiter.responder, Reply::new(Ok(body)));
                }
                _ => self.updates.add_waiter(ticket, waiter),
            }
        }
        Ok(())
    }

    // --- the end of a run --------------------------------------------------------------------

    /// The run is closed, and that is written. What was accepted fails; what was not may go to the run
    /// that follows, if one does: its callers are told to ask again.
    pub(crate) fn end_updates(&mut self, key: RunKey) -> Result<(), Failure> {
        self.answer_update_waiters(key)?;
        self.updates.admitted.remove(&key);
        if planted(Bug::ForgottenWaiter) {
            return Ok(());
        }
        let waiters = self.updates.take_waiters(key);
        if waiters.is_empty() {
            return Ok(());
        }
        let goes_on = self.goes_on(key)?;
        for (ticket, waiter) in waiters {
            let status = if goes_on {
                closing()
            } else if matches!(&waiter.asked, Asked::WithStart(start) if !start.started) {
                // Asked again, it starts a run of its own.
                RpcStatus::new(Code::Aborted, ENDED)
            } else {
                RpcStatus::not_found(ENDED)
            };
            self.refuse_waiter(ticket, waiter, status);
        }
        Ok(())
    }

    /// Whether another run goes on where this closed one ended.
    fn goes_on(&mut self, key: RunKey) -> Result<bool, Failure> {
        let Some(row) = self.row(key)? else { return Ok(false) };
        if !row.record.reset_run_id.is_empty() {
            return Ok(false);
        }
        let last = self.last_run(row.namespace, &row.workflow_id)?;
        Ok(last.is_some_and(|last| {
            last.is_open() && last.record.first_run_id == row.record.first_run_id
        }))
    }

    /// The completion of a workflow task was refused. What its worker had got is not tried again: it may
    /// be what is wrong.
    pub(crate) fn refuse_sent_updates(&mut self, key: RunKey) {
        let sent = self.updates.admitted(key).filter(|update| update.sent);
        let sent: Vec<_> = sent.map(|update| update.id().to_owned()).collect();
        for id in &sent {
            self.updates.remove(key, id);
        }
        for (ticket, waiter) in self.updates.take_waiters(key) {
            if sent.contains(&waiter.update_id) {
                let message = "Unable to perform workflow execution update due to unexpected workflow \
                               task failure.";
                self.refuse_waiter(ticket, waiter, not_ready(message));
            } else {
                self.updates.add_waiter(ticket, waiter);
            }
        }
    }

    fn refuse_waiter(&mut self, ticket: Ticket, waiter: Waiter, status: RpcStatus) {
        self.matching.unpark(ticket);
        let status = refused(&waiter.asked, status);
        self.reply(waiter.responder, Reply::new(Err(status)));
    }
}

/// The answer to a call: what an update has reached.
fn response(row: &RunRow, update_id: &str, reached: Reached, asked: &Asked) -> Bytes {
    let execution = common::WorkflowExecution {
        workflow_id: row.workflow_id.clone(),
        run_id: row.run_id.to_string(),
    };
    let update_ref =
        Some(UpdateRef { workflow_execution: Some(execution), update_id: update_id.to_owned() });
    let Reached { stage, outcome } = reached;
    let stage = stage.into();
    if matches!(asked, Asked::Poll) {
        let response = PollWorkflowExecutionUpdateResponse { outcome, stage, update_ref };
        return response.encode_to_vec().into();
    }
    let update =
        UpdateWorkflowExecutionResponse { update_ref, outcome, stage, ..Default::default() };
    match asked {
        Asked::WithStart(start) => multi_operation::response((**start).clone(), update),
        _ => update.encode_to_vec().into(),
    }
}

/// The failure of a call whose update came to nothing.
fn refused(asked: &Asked, status: RpcStatus) -> RpcStatus {
    match asked {
        Asked::WithStart(start) => multi_operation::update_failed(start.started, status),
        _ => status,
    }
}
