//! What workflows do: anything that their history allows, and sometimes what it does not.

use prost::Message as _;
use temporalio_protos::temporal::api::command::v1::{
    Command, ScheduleActivityTaskCommandAttributes,
    SignalExternalWorkflowExecutionCommandAttributes, StartChildWorkflowExecutionCommandAttributes,
};
use temporalio_protos::temporal::api::enums::v1::{ParentClosePolicy, WorkflowIdReusePolicy};
use temporalio_protos::temporal::api::protocol::v1::Message;
use temporalio_protos::temporal::api::protocol::v1::message::SequencingId;
use temporalio_protos::temporal::api::update::v1::Request;
use temporalio_protos::temporal::api::workflowservice::v1::PollWorkflowTaskQueueResponse;

use super::audit::Audit;
use super::support::command::{
    activity, cancel_activity, cancel_external, cancel_timer, cancel_workflow, child, complete,
    continue_as_new, external_signal, fail, marker, schedule, signal_external, start_child,
    start_timer,
};
use super::support::update::{accept, place, reject, respond};
use super::support::values::{QUEUE, queue, retry_policy, secs};
use super::world::World;

/// A run that has come that far is to end.
const LONG: i64 = 120;

#[derive(Default)]
pub(crate) struct Decision {
    pub(crate) commands: Vec<Command>,
    pub(crate) messages: Vec<Message>,
}

impl Decision {
    /// Say something to an update, at this place among the commands.
    fn say(&mut self, message: Message) {
        self.commands.push(place(&message));
        self.messages.push(message);
    }
}

pub(crate) fn decide(world: &mut World, task: &PollWorkflowTaskQueueResponse) -> Decision {
    let run_id = &task.workflow_execution.as_ref().unwrap().run_id;
    // A run whose start is not on the disk yet has done nothing.
    let audit = world.keys.get(run_id).and_then(|key| world.audits.get(key)).cloned();
    let audit = audit.unwrap_or_else(Audit::of_new_run);
    let mut decision = Decision::default();
    for message in &task.messages {
        asked(world, message, &mut decision);
    }
    for update in audit.relations.updates.values().filter(|update| update.outcome.is_none()) {
        if world.rng.percent(40) {
            let result = world.workers.name("result ");
            decision.say(respond(&request_message(&update.request), &result));
        }
    }
    for (id, admitted) in &audit.relations.admitted {
        let asked = task.messages.iter().any(|message| message.protocol_instance_id == *id);
        if !asked && world.rng.percent(40) {
            let message = Message {
                sequencing_id: Some(SequencingId::EventId(admitted.event_id)),
                ..request_message(&admitted.request)
            };
            self::asked(world, &message, &mut decision);
        }
    }
    if world.ending {
        let cron = audit.relations.is_cron;
        decision.commands.push(if cron { cancel_workflow() } else { complete("done") });
        return decision;
    }
    for _ in 0..world.rng.below(4) {
        decision.commands.extend(command(world, &audit));
    }
    let long = audit.next > LONG;
    if long || world.rng.percent(7) {
        decision.commands.push(match world.rng.below(10) {
            0..5 => complete("done"),
            5..7 => fail("no more"),
            7 if audit.cancel_requested => cancel_workflow(),
            _ if long => complete("done"),
            _ => continue_as_new(),
        });
    }
    decision
}

/// An update is asked for: accept it, and complete it now or later, reject it, or know nothing of it.
fn asked(world: &mut World, message: &Message, decision: &mut Decision) {
    match world.rng.below(100) {
        0..45 => {
            decision.say(accept(message));
            let result = world.workers.name("result ");
            decision.say(respond(message, &result));
        }
        45..70 => decision.say(accept(message)),
        70..85 => decision.messages.push(reject(message)),
        85..90 => decision.messages.push(accept(message)), // as some workers do, without a command
        90..94 => decision.say(respond(message, "out of order")),
        _ => {}
    }
}

fn command(world: &mut World, audit: &Audit) -> Option<Command> {
    let name = world.workers.name("n");
    let rng = &mut world.rng;
    let timers: Vec<_> = audit.timers.keys().cloned().collect();
    let activities: Vec<_> = audit.activities.iter().copied().collect();
    let other = format!("w{}", rng.below(9));
    Some(match rng.below(100) {
        0..23 => start_timer(&name, rng.between(0, 100)),
        23..33 => cancel_timer(rng.pick(&timers)?),
        33..56 => some_activity(world, &name),
        56..64 => cancel_activity(*rng.pick(&activities)?),
        64..70 => marker(&name),
        70..83 => some_child(world),
        83..91 => signal_external(SignalExternalWorkflowExecutionCommandAttributes {
            signal_name: format!("once {name}"),
            child_workflow_only: rng.percent(20),
            ..external_signal(&other)
        }),
        91..97 => cancel_external(&other, rng.percent(30)),
        _ => cancel_timer("no such timer"),
    })
}

fn some_activity(world: &mut World, name: &str) -> Command {
    let rng = &mut world.rng;
    let mut attributes = ScheduleActivityTaskCommandAttributes {
        start_to_close_timeout: secs(rng.between(1, 60)),
        retry_policy: retry_policy(i32::try_from(rng.below(4)).unwrap()),
        request_eager_execution: rng.percent(25),
        ..activity(name)
    };
    if rng.percent(30) {
        attributes.heartbeat_timeout = secs(rng.between(1, 20));
    }
    if rng.percent(20) {
        attributes.schedule_to_start_timeout = secs(rng.between(1, 60));
    }
    if rng.percent(30) {
        attributes.schedule_to_close_timeout = secs(rng.between(1, 200));
    }
    schedule(attributes)
}

fn some_child(world: &mut World) -> Command {
    use ParentClosePolicy::{Abandon, RequestCancel, Terminate};
    use WorkflowIdReusePolicy::{
        AllowDuplicate, AllowDuplicateFailedOnly, RejectDuplicate, TerminateIfRunning,
    };
    let rng = &mut world.rng;
    let policies = [Terminate, Abandon, RequestCancel];
    let reuse = [
        AllowDuplicate,
        AllowDuplicate,
        AllowDuplicateFailedOnly,
        RejectDuplicate,
        TerminateIfRunning,
    ];
    let mut attributes = StartChildWorkflowExecutionCommandAttributes {
        task_queue: queue(QUEUE),
        parent_close_policy: (*rng.pick(&policies).unwrap()).into(),
        workflow_id_reuse_policy: (*rng.pick(&reuse).unwrap()).into(),
        ..child(&format!("w{}", rng.below(12)))
    };
    if rng.percent(10) {
        attributes.workflow_run_timeout = secs(rng.between(1, 200));
    }
    if rng.percent(20) {
        attributes.retry_policy = retry_policy(3);
    }
    if rng.percent(5) {
        "* * * * *".clone_into(&mut attributes.cron_schedule);
    }
    start_child(attributes)
}

/// The message that asked for an update, made anew from what is on record.
fn request_message(request: &Request) -> Message {
    let id = request.meta.as_ref().map_or("", |meta| &meta.update_id);
    let value = request.encode_to_vec();
    Message {
        id: format!("{id}/request"),
        protocol_instance_id: id.to_owned(),
        body: Some(prost_wkt_types::Any { type_url: String::new(), value }),
        ..Default::default()
    }
}
