//! Options of a run that are changed from outside, and told to nobody: the workflow goes on without a
//! task for it.

use crate::RpcStatus;
use crate::ids::EventId;
use crate::policy::priority;
use crate::proto::common::callback::Variant;
use crate::proto::enums::VersioningBehavior;
use crate::proto::history::{HistoryEvent, WorkflowExecutionOptionsUpdatedEventAttributes};
use crate::proto::workflow::versioning_override::Override;
use crate::proto::workflow::{VersioningOverride, WorkflowExecutionOptions};
use crate::proto::{Attributes, common};
use crate::state::env::Env;
use crate::state::run::{Run, make_event};
use crate::store::RunRow;
use crate::store::record::AttachedRecord;

/// The fields of the options that a mask may name.
const FIELDS: [&str; 5] = [
    "versioning_override",
    "priority",
    "priority.priority_key",
    "priority.fairness_key",
    "priority.fairness_weight",
];

/// The changes that a client requests to a run's options.
pub(crate) struct Wanted {
    pub(crate) options: WorkflowExecutionOptions,
    /// The fields that count.
    pub(crate) mask: Vec<String>,
    pub(crate) identity: String,
}

impl Wanted {
    /// Refuse what can't be.
    pub(crate) fn check(&self) -> Result<(), RpcStatus> {
        if let Some(field) = self.mask.iter().find(|field| !FIELDS.contains(&field.as_str())) {
            let message = format!(
                "error parsing UpdateMask: proto: invalid path {field:?} for message \
                 \"temporal.api.workflow.v1.WorkflowExecutionOptions\""
            );
            return Err(RpcStatus::invalid_argument(message));
        }
        check_versioning(self.options.versioning_override.as_ref())?;
        priority::check(self.options.priority.as_ref()).map_err(RpcStatus::invalid_argument)
    }

    /// Merge requested options into a run's, and build the event of the change; `None`: they are so already.
    pub(crate) fn merge(
        &self,
        row: &RunRow,
    ) -> (WorkflowExecutionOptions, Option<WorkflowExecutionOptionsUpdatedEventAttributes>) {
        let (record, wanted) = (&row.record, &self.options);
        let before = WorkflowExecutionOptions {
            versioning_override: record.versioning_override.clone(),
            priority: record.priority.clone(),
            ..Default::default()
        };
        let mut after = before.clone();
        let priority = wanted.priority.clone().unwrap_or_default();
        for field in &self.mask {
            match field.as_str() {
                "versioning_override" => {
                    after.versioning_override.clone_from(&wanted.versioning_override);
                }
                "priority" => after.priority.clone_from(&wanted.priority),
                "priority.priority_key" => {
                    after.priority.get_or_insert_default().priority_key = priority.priority_key;
                }
                "priority.fairness_key" => {
                    let key = &mut after.priority.get_or_insert_default().fairness_key;
                    key.clone_from(&priority.fairness_key);
                }
                _ => {
                    let weight = &mut after.priority.get_or_insert_default().fairness_weight;
                    *weight = priority.fairness_weight;
                }
            }
        }
        let changed = (after != before).then(|| WorkflowExecutionOptionsUpdatedEventAttributes {
            versioning_override: after.versioning_override.clone(),
            unset_versioning_override: after.versioning_override.is_none(),
            priority: after.priority.clone(),
            identity: self.identity.clone(),
            ..Default::default()
        });
        (after, changed)
    }
}

/// Refuse callbacks that nobody would call: nothing outside the process is told of a run's end, as on a
/// server that was not told of any addresses.
pub(crate) fn check_callbacks(callbacks: &[common::Callback]) -> Result<(), RpcStatus> {
    for callback in callbacks {
        match &callback.variant {
            Some(Variant::Internal(_)) => {}
            Some(Variant::Nexus(nexus)) => {
                let url = &nexus.url;
                let web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
                return Err(RpcStatus::invalid_argument(if web {
                    format!(
                        "invalid url: url does not match any configured callback address: {url}"
                    )
                } else {
                    format!("invalid url: unknown scheme: {url}")
                }));
            }
            _ => return Err(RpcStatus::unimplemented("unknown callback variant: <nil>")),
        }
    }
    Ok(())
}

/// Refuse an override of where a run's tasks go that is none, and one to a certain version: tasks are not
/// kept for versions of workers.
#[allow(deprecated, reason = "older clients say it so")]
pub(crate) fn check_versioning(wanted: Option<&VersioningOverride>) -> Result<(), RpcStatus> {
    let Some(wanted) = wanted else { return Ok(()) };
    let message = match (&wanted.r#override, wanted.behavior()) {
        (Some(Override::AutoUpgrade(true)), _) => return Ok(()),
        (Some(Override::Pinned(_) | Override::OneTime(_)), _) | (_, VersioningBehavior::Pinned) => {
            let message = "the embedded engine does not keep tasks for a version of workers";
            return Err(RpcStatus::unimplemented(message));
        }
        (_, VersioningBehavior::AutoUpgrade) if wanted.deployment.is_some() => {
            "only provide deployment if behavior is 'PINNED'"
        }
        (_, VersioningBehavior::AutoUpgrade) if !wanted.pinned_version.is_empty() => {
            "only provide pinned version if behavior is 'PINNED'"
        }
        (_, VersioningBehavior::AutoUpgrade) => return Ok(()),
        (_, VersioningBehavior::Unspecified) => "override behavior is required",
    };
    Err(RpcStatus::invalid_argument(message))
}

/// Change the run's options, and write that down. No workflow task sees to it.
pub(crate) fn update(
    run: &mut Run,
    env: &Env,
    attributes: WorkflowExecutionOptionsUpdatedEventAttributes,
    links: Vec<common::Link>,
) {
    let taken = attributes.clone();
    let event =
        make_event(env, Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(attributes));
    let event = HistoryEvent { links, worker_may_ignore: true, ..event };
    let event_id = run.append_external(event);
    take(run, &taken, event_id.unwrap_or(0));
}

/// Have the run know what an event says, which has that id, or 0 while it is buffered.
pub(crate) fn take(
    run: &mut Run,
    attributes: &WorkflowExecutionOptionsUpdatedEventAttributes,
    event_id: EventId,
) {
    let before = run.row.record.versioning_override.clone();
    let record = &mut run.state().record;
    if attributes.unset_versioning_override {
        record.versioning_override = None;
    } else if let Some(wanted) = &attributes.versioning_override {
        record.versioning_override = Some(as_stored(wanted));
    }
    if let Some(priority) = &attributes.priority {
        record.priority = Some(priority.clone());
    }
    if record.versioning_override != before {
        run.volatile.sticky = None; // the worker with the run in its cache may be another version
    }
    let record = &mut run.state().record;
    let request_id = attributes.attached_request_id.clone();
    if request_id.is_empty() {
        return;
    }
    match record.attached.iter_mut().find(|record| record.request_id == request_id) {
        Some(record) => record.event_id = event_id,
        None => record.attached.push(AttachedRecord { request_id, event_id }),
    }
}

/// Convert an override of older clients to the newer form.
#[allow(deprecated, reason = "older clients say it so")]
fn as_stored(wanted: &VersioningOverride) -> VersioningOverride {
    let auto = wanted.behavior() == VersioningBehavior::AutoUpgrade;
    let auto = auto.then_some(Override::AutoUpgrade(true));
    VersioningOverride { r#override: wanted.r#override.clone().or(auto), ..Default::default() }
}

/// The request that an event attaches.
pub(crate) fn attached(event: &HistoryEvent) -> Option<String> {
    match &event.attributes {
        Some(Attributes::WorkflowExecutionOptionsUpdatedEventAttributes(a)) => {
            Some(a.attached_request_id.clone()).filter(|id| !id.is_empty())
        }
        _ => None,
    }
}

/// The event that attaches a request is buffered no longer.
pub(crate) fn on_flushed(run: &mut Run, request_id: &str, event_id: EventId) {
    let mut attached = run.state().record.attached.iter_mut();
    if let Some(record) = attached.find(|record| record.request_id == request_id) {
        record.event_id = event_id;
    }
}
