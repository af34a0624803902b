//! Clients of activities without a workflow: they start, look, wait, cancel, terminate, pause and begin
//! anew. Each activity has a run with an id of its own, among those of workflows.

use prost::Message;
use temporalio_protos::temporal::api::activity::v1::activity_execution_outcome::Value;
use temporalio_protos::temporal::api::enums::v1::{
    ActivityExecutionStatus, ActivityIdConflictPolicy as Conflict, ActivityIdReusePolicy as Reuse,
};
use temporalio_protos::temporal::api::failure::v1::failure::FailureInfo;
use temporalio_protos::temporal::api::history::v1::history_event::Attributes as A;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::client_view::{Listed, of_rows};
use super::clients::{Purpose, name, send};
use super::disk::RunRow;
use super::invariants::is_open;
use super::ledger::Fact;
use super::support::standalone::{
    cancel_request, describe_request, poll_request, start_request, terminate_request,
};
use super::support::values::{NAMESPACE, retry_policy, secs};
use super::world::{Checked, World, require};

/// Ids of activities at once.
const IDS: u64 = 6;

pub(crate) fn act(world: &mut World) {
    let choice = if world.ending { 99 } else { world.rng.below(100) };
    if choice < 35 {
        return start(world);
    }
    let ended = !world.ending && world.rng.percent(15); // one may still ask
    let of_kind = |row: &&RunRow| row.alone && is_open(row) != ended;
    let rows: Vec<_> = world.rows.iter().filter(of_kind).cloned().collect();
    let paused = rows.iter().position(is_paused).filter(|_| world.rng.percent(30));
    let index = paused.or_else(|| world.rng.index(rows.len()));
    let Some(row) = index.map(|index| &rows[index]) else { return };
    let (id, run_id) = (row.workflow_id.as_str(), row.run_id.clone());
    let request_id = name(world, "request");
    match choice {
        35..65 => look(world, id, run_id),
        65..72 => {
            let request =
                RequestCancelActivityExecutionRequest { run_id, request_id, ..cancel_request(id) };
            send(world, &request, Purpose::Look);
        }
        72..92 => operate(world, row),
        _ => {
            let request = TerminateActivityExecutionRequest {
                run_id: run_id.clone(),
                request_id,
                ..terminate_request(id)
            };
            send(world, &request, Purpose::Terminate { run_id });
        }
    }
}

fn start(world: &mut World) {
    let mut request = start_request(&format!("alone {}", world.rng.below(IDS)));
    request.request_id = name(world, "request");
    let rng = &mut world.rng;
    request.retry_policy = retry_policy(i32::try_from(rng.below(4)).unwrap());
    request.start_delay = secs(rng.below(3));
    if rng.percent(30) {
        request.heartbeat_timeout = secs(5);
        request.start_to_close_timeout = secs(20);
    }
    if rng.percent(30) {
        request.set_id_conflict_policy(Conflict::UseExisting);
    }
    if rng.percent(20) {
        let reuse = [Reuse::AllowDuplicateFailedOnly, Reuse::RejectDuplicate];
        request.set_id_reuse_policy(*rng.pick(&reuse).unwrap());
    }
    if rng.percent(20) {
        send(world, &request, Purpose::StartActivity); // its answer was lost, and it is repeated
    }
    send(world, &request, Purpose::StartActivity);
}

/// Ask what an activity is or was, or for its outcome, which may have to be waited for.
fn look(world: &mut World, id: &str, run_id: String) {
    if world.rng.percent(50) {
        let request = DescribeActivityExecutionRequest { run_id, ..describe_request(id) };
        return send(world, &request, Purpose::Look);
    }
    let request = PollActivityExecutionRequest { run_id, ..poll_request(id) };
    send(world, &request, Purpose::PollActivity);
}

fn is_paused(row: &RunRow) -> bool {
    row.status == i32::from(ActivityExecutionStatus::Paused)
}

fn operate(world: &mut World, row: &RunRow) {
    let (namespace, activity_id) = (NAMESPACE.to_owned(), row.workflow_id.clone());
    let run_id = row.run_id.clone();
    let choice = if is_paused(row) { world.rng.between(1, 2) } else { world.rng.below(3) };
    if choice == 0 {
        let request =
            PauseActivityExecutionRequest { namespace, activity_id, run_id, ..Default::default() };
        return send(world, &request, Purpose::Look);
    }
    world.workers.let_go_on(row.key);
    let jitter = secs(world.rng.below(3));
    if choice == 1 {
        let request = UnpauseActivityExecutionRequest {
            namespace,
            activity_id,
            run_id,
            jitter,
            ..Default::default()
        };
        return send(world, &request, Purpose::Look);
    }
    let request = ResetActivityExecutionRequest {
        namespace,
        activity_id,
        run_id,
        jitter,
        keep_paused: world.rng.percent(50),
        reset_heartbeat: world.rng.percent(50),
        restore_original_options: world.rng.percent(30),
        ..Default::default()
    };
    send(world, &request, Purpose::Look);
}

/// A client was told that an activity is there, or what it has come to.
pub(crate) fn answered(world: &mut World, purpose: &Purpose, body: bytes::Bytes) -> Checked {
    if matches!(purpose, Purpose::StartActivity) {
        let told = StartActivityExecutionResponse::decode(body).unwrap();
        world.note(&told.run_id, Fact::Started);
        let first = !told.started || world.clients.begun.insert(told.run_id.clone());
        return require("an activity is started once", first, || format!("{told:?}"));
    }
    let told = PollActivityExecutionResponse::decode(body).unwrap();
    if let Some(value) = told.outcome.and_then(|outcome| outcome.value) {
        world.note(&told.run_id, Fact::Outcome(end_of_outcome(value)));
    }
    Ok(())
}

/// What an activity came to, as its last event has it: what is compared.
pub(crate) fn end_of_event(attributes: &A) -> Option<Vec<u8>> {
    Some(match attributes {
        A::ActivityTaskCompletedEventAttributes(end) => {
            end.result.clone().unwrap_or_default().encode_to_vec()
        }
        A::ActivityTaskFailedEventAttributes(end) => {
            end.failure.clone().unwrap_or_default().encode_to_vec()
        }
        A::ActivityTaskTimedOutEventAttributes(end) => {
            end.failure.clone().unwrap_or_default().encode_to_vec()
        }
        A::ActivityTaskCanceledEventAttributes(end) => {
            end.details.clone().unwrap_or_default().encode_to_vec()
        }
        A::WorkflowExecutionTerminatedEventAttributes(end) => end.reason.clone().into_bytes(),
        _ => return None,
    })
}

/// The same, as a client is told it.
fn end_of_outcome(value: Value) -> Vec<u8> {
    match value {
        Value::Result(result) => result.encode_to_vec(),
        Value::Failure(failure) => match failure.failure_info {
            Some(FailureInfo::CanceledFailureInfo(info)) => {
                info.details.unwrap_or_default().encode_to_vec()
            }
            Some(FailureInfo::TerminatedFailureInfo(_)) => failure.message.into_bytes(),
            _ => failure.encode_to_vec(),
        },
    }
}

/// Lists, counts and descriptions tell what is on the disk.
pub(crate) fn compare(world: &mut World) -> Checked {
    let rows: Vec<_> = world.rows.iter().filter(|row| row.alone).cloned().collect();
    let mut request = ListActivityExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        page_size: i32::try_from(world.rng.below(5)).unwrap(),
        ..Default::default()
    };
    let (mut listed, mut count) = (Listed::new(), 0);
    loop {
        let page = world.ask(&request)?;
        count += page.executions.len();
        listed.extend(page.executions.into_iter().map(|info| (info.run_id, info.status)));
        if page.next_page_token.is_empty() {
            break;
        }
        request.next_page_token = page.next_page_token;
    }
    let expected = of_rows(rows.iter());
    require("a list has every run once", listed == expected && count == rows.len(), || {
        format!("activities: {listed:?} instead of {expected:?}")
    })?;
    let namespace = NAMESPACE.to_owned();
    let counted = world.ask(&CountActivityExecutionsRequest { namespace, ..Default::default() })?;
    require("a count counts every run once", usize::try_from(counted.count) == Ok(count), || {
        format!("activities: {counted:?} instead of {count}")
    })?;
    let Some(row) = world.rng.pick(&rows).cloned() else { return Ok(()) };
    let run_id = row.run_id.clone();
    let request = DescribeActivityExecutionRequest { run_id, ..describe_request(&row.workflow_id) };
    let told = world.ask(&request)?;
    let end = told.outcome.clone().and_then(|outcome| outcome.value).map(end_of_outcome);
    let fits = told.info.as_ref().is_some_and(|info| info.status == row.status)
        && told.long_poll_token.is_empty() != is_open(&row)
        && end == world.audits[&row.key].end;
    require("a description is of what is there", fits, || format!("{row:?}: {told:?}"))
}
