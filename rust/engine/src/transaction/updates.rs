//! Updates on their way to a workflow, and callers that wait for what becomes of them.
//!
//! An update is *admitted* when the engine has taken it in: from then on it goes with the run's
//! workflow tasks, as a message, until the worker accepts or rejects it. Being admitted is in memory
//! only, and nobody is told of it as if it were for ever: a caller whose engine goes away asks again.
//! *Accepted* and *completed* are events, and rows by the update's id, so that a request that is
//! repeated finds what the first one did. A rejected update leaves nothing.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use crate::command::protocol_message::Messages;
use crate::ids::{EventId, RunKey};
use crate::machine::speculative;
use crate::machine::workflow::closing;
use crate::mutation::{Mutation, is_active};
use crate::proto::enums::UpdateWorkflowExecutionLifecycleStage as Stage;
use crate::proto::failure::Failure;
use crate::proto::protocol::Message;
use crate::proto::protocol::message::SequencingId;
use crate::proto::service::PollWorkflowTaskQueueResponse;
use crate::proto::update::Request;
use crate::proto::{Attributes, update};
use crate::state::reply::{Reply, Responder};
use crate::state::task_queues::{ParkedAt, Ticket};
use crate::state::updates::{
    Admitted, IN_FLIGHT, Reached, ResolvedUpdates, UpdateCall, UpdateWaiter,
};
use crate::store::{RunRow, StoreError};
use crate::transaction::context::{CallError, Context, Outcome};
pub(crate) use crate::transaction::update_answers::not_ready;
use crate::transaction::update_answers::{
    aborted, cut_off, refused, response, too_many_in_flight, unprocessed,
};
use crate::{Code, RpcStatus};

/// The time that a caller waits for a stage before it is told which one is reached.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Updates of a run, at most.
const TOTAL: usize = 2000;

/// The message about an update that was not accepted when its run ended.
const ENDED: &str = "workflow update was aborted by closing workflow";

/// The type of the messages that carry updates to a worker.
const REQUEST_TYPE: &str = "type.googleapis.com/temporal.api.update.v1.Request";

impl Context {
    // --- from clients ------------------------------------------------------------------------

    /// Take an update in, and see to it that a workflow task carries it.
    pub(crate) fn admit_update(&mut self, key: RunKey, request: Request) -> Result<(), CallError> {
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

    /// Find the stage that an update of a run, open or closed, has reached; `None`: there is none of that id.
    pub(crate) fn reached(&mut self, key: RunKey, id: &str) -> Result<Option<Reached>, CallError> {
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

    fn update_outcome(
        &mut self,
        key: RunKey,
        event: EventId,
    ) -> Result<update::Outcome, CallError> {
        let found = self.event(key, event)?;
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
        asked: UpdateCall,
    ) -> Result<Outcome, CallError> {
        if let Some(reached) = self.reached(row.key, &update_id)?
            && reached.stage >= stage
        {
            let body = response(row, &update_id, reached, &asked);
            return Ok(Outcome::Done(Reply::new(Ok(body))));
        }
        if let Some(responder) = self.caller.responder.take() {
            let ticket = self.matching.park(self.expiry(LONG_POLL), ParkedAt::Update);
            let run = row.key;
            let waiter = UpdateWaiter { run, update_id, stage, asked, responder };
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

    /// The updates that goes with the workflow task whose started event has that id, as more of the
    /// encoded answer to its poll. What a worker got with an earlier task and has not answered is
    /// repeated, unless that worker is still at it.
    pub(crate) fn attached_updates(
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

    /// The messages of a completed workflow task, and what they may be about.
    pub(crate) fn update_messages(
        &mut self,
        key: RunKey,
        rest: Vec<Message>,
    ) -> Result<Messages, CallError> {
        let requests = self.updates.requests(key);
        let mut over = HashMap::new();
        for Message { protocol_instance_id: id, .. } in &rest {
            let accepted = self.runs.get(&key).is_some_and(|run| run.updates.contains_key(id));
            if !requests.contains_key(id)
                && !accepted
                && self.store.update(key, id)?.is_some_and(|row| row.completed != 0)
            {
                over.insert(id.clone(), "Completed");
            }
        }
        Ok(Messages { rest, requests, resolved: ResolvedUpdates::default(), over })
    }

    /// A workflow task completed. Updates that its worker has got and did not answer are rejected,
    /// unless it is still at them.
    pub(crate) fn resolve_updates(
        &mut self,
        key: RunKey,
        resolved: ResolvedUpdates,
        still_at_them: bool,
    ) -> Result<(), CallError> {
        for id in resolved.accepted {
            self.updates.remove(key, &id);
        }
        for (id, failure) in resolved.rejected {
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

    fn reject_update(&mut self, key: RunKey, id: &str, failure: &Failure) -> Result<(), CallError> {
        self.updates.remove(key, id);
        if let Some((run, _)) = self.open_run(key)? {
            run.remove_admitted(id);
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
    pub(crate) fn answer_update_waiters(&mut self, key: RunKey) -> Result<(), CallError> {
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
    pub(crate) fn end_updates(&mut self, key: RunKey) -> Result<(), CallError> {
        self.answer_update_waiters(key)?;
        self.updates.admitted.remove(&key);
        if is_active(Mutation::ForgottenWaiter) {
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
            } else if matches!(&waiter.asked, UpdateCall::WithStart(start) if !start.started) {
                // UpdateCall again, it starts a run of its own.
                RpcStatus::new(Code::Aborted, ENDED)
            } else {
                RpcStatus::not_found(ENDED)
            };
            self.refuse_waiter(ticket, waiter, status);
        }
        Ok(())
    }

    /// Tell whether another run goes on where this closed one ended.
    fn goes_on(&mut self, key: RunKey) -> Result<bool, CallError> {
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

    fn refuse_waiter(&mut self, ticket: Ticket, waiter: UpdateWaiter, status: RpcStatus) {
        self.matching.unpark(ticket);
        let status = refused(&waiter.asked, status);
        self.reply(waiter.responder, Reply::new(Err(status)));
    }
}
