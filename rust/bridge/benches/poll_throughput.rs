//! How many activations a second core delivers and takes back, against a stub service in the
//! process, handed over as the bridge does it: a pump fills a queue, one evaluator thread takes
//! batches from it, and completions go back without waiting. No Python: this is the ceiling that
//! everything above is measured against.
//!
//! `cargo bench -p hourglass-bridge`; the number of workflows can be given as an argument.
#![allow(clippy::print_stdout, clippy::expect_used)] // a program that prints, and ends on an error

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use prost::Message;
use temporalio_client::{
    Connection, ConnectionOptions, Url,
    callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse},
    tonic::{Status, codegen::http::HeaderMap},
};
use temporalio_common::{telemetry::TelemetryOptions, worker::WorkerTaskTypes};
use temporalio_protos::{
    coresdk::{
        workflow_activation::WorkflowActivation,
        workflow_commands::{CompleteWorkflowExecution, workflow_command::Variant},
        workflow_completion::WorkflowActivationCompletion,
    },
    temporal::api::{
        common::v1::{WorkflowExecution, WorkflowType},
        enums::v1::{EventType, TaskQueueKind},
        history::v1::{
            History, HistoryEvent, WorkflowExecutionStartedEventAttributes,
            WorkflowTaskScheduledEventAttributes, WorkflowTaskStartedEventAttributes,
            history_event::Attributes,
        },
        taskqueue::v1::TaskQueue,
        workflowservice::v1::{PollWorkflowTaskQueueRequest, PollWorkflowTaskQueueResponse},
    },
};
use temporalio_sdk_core::{
    CoreRuntime, PollerBehavior, RuntimeOptions, TokioRuntimeBuilder, Worker, WorkerConfig,
    WorkerVersioningStrategy, init_worker,
};

/// What the stub has given out and got back.
#[derive(Default)]
struct Stub {
    total: u64,
    given: AtomicU64,
    answered: AtomicU64,
}

impl Stub {
    /// A run that was just started, or nothing, for ever, once all were given out.
    async fn poll(&self, request: PollWorkflowTaskQueueRequest) -> PollWorkflowTaskQueueResponse {
        let sticky = request.task_queue.is_some_and(|queue| queue.kind() == TaskQueueKind::Sticky);
        let number = if sticky { self.total } else { self.given.fetch_add(1, Ordering::Relaxed) };
        if number >= self.total {
            pending::<()>().await;
        }
        first_task(number)
    }

    async fn answer(&self, request: GrpcRequest) -> Result<Vec<u8>, Status> {
        match request.rpc.as_str() {
            "PollWorkflowTaskQueue" => {
                let poll = PollWorkflowTaskQueueRequest::decode(request.proto)
                    .map_err(|error| Status::invalid_argument(error.to_string()))?;
                Ok(self.poll(poll).await.encode_to_vec())
            }
            "RespondWorkflowTaskCompleted" => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn first_task(number: u64) -> PollWorkflowTaskQueueResponse {
    let run_id = format!("run-{number}");
    let queue = || Some(TaskQueue { name: "bench".to_owned(), ..TaskQueue::default() });
    let kind = || Some(WorkflowType { name: "empty".to_owned() });
    let event = |event_id, event_type: EventType, attributes| HistoryEvent {
        event_id,
        event_type: event_type.into(),
        event_time: Some(std::time::SystemTime::now().into()),
        attributes: Some(attributes),
        ..HistoryEvent::default()
    };
    let started = WorkflowExecutionStartedEventAttributes {
        workflow_type: kind(),
        task_queue: queue(),
        original_execution_run_id: run_id.clone(),
        first_execution_run_id: run_id.clone(),
        attempt: 1,
        ..WorkflowExecutionStartedEventAttributes::default()
    };
    let scheduled = WorkflowTaskScheduledEventAttributes {
        task_queue: queue(),
        attempt: 1,
        ..WorkflowTaskScheduledEventAttributes::default()
    };
    let begun = WorkflowTaskStartedEventAttributes {
        scheduled_event_id: 2,
        ..WorkflowTaskStartedEventAttributes::default()
    };
    let events = vec![
        event(
            1,
            EventType::WorkflowExecutionStarted,
            Attributes::WorkflowExecutionStartedEventAttributes(started),
        ),
        event(
            2,
            EventType::WorkflowTaskScheduled,
            Attributes::WorkflowTaskScheduledEventAttributes(scheduled),
        ),
        event(
            3,
            EventType::WorkflowTaskStarted,
            Attributes::WorkflowTaskStartedEventAttributes(begun),
        ),
    ];
    PollWorkflowTaskQueueResponse {
        task_token: run_id.clone().into_bytes(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: format!("workflow-{number}"),
            run_id,
        }),
        workflow_type: kind(),
        started_event_id: 3,
        attempt: 1,
        history: Some(History { events }),
        workflow_execution_task_queue: queue(),
        ..PollWorkflowTaskQueueResponse::default()
    }
}

fn service(stub: &Arc<Stub>) -> CallbackBasedGrpcService {
    let stub = Arc::clone(stub);
    CallbackBasedGrpcService {
        callback: Arc::new(move |request| {
            let stub = Arc::clone(&stub);
            Box::pin(async move {
                let proto = stub.answer(request).await?;
                Ok(GrpcSuccessResponse { headers: HeaderMap::new(), proto })
            })
        }),
    }
}

async fn start(runtime: &CoreRuntime, stub: &Arc<Stub>) -> Worker {
    let url = Url::parse("http://stub").expect("a URL");
    let options = ConnectionOptions::new(url)
        .identity("bench")
        .dns_load_balancing(None)
        .service_override(service(stub))
        .build();
    let connection = Connection::connect(options).await.expect("the stub answers");
    let config = WorkerConfig::builder()
        .namespace("default")
        .task_queue("bench")
        .task_types(WorkerTaskTypes::workflow_only())
        .max_cached_workflows(1_000_usize)
        .max_outstanding_workflow_tasks(100_usize)
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(5))
        .versioning_strategy(WorkerVersioningStrategy::None { build_id: String::new() })
        .ignore_evicts_on_shutdown(true)
        .build()
        .expect("a configuration");
    init_worker(runtime, config, connection).expect("a worker")
}

/// What the evaluator answers: the end of the run, or nothing to an eviction.
fn completion(activation: &WorkflowActivation) -> WorkflowActivationCompletion {
    let run_id = activation.run_id.clone();
    if activation.is_only_eviction() {
        return WorkflowActivationCompletion::empty(run_id);
    }
    let end = Variant::CompleteWorkflowExecution(CompleteWorkflowExecution::default());
    WorkflowActivationCompletion::from_cmd(run_id, end)
}

fn main() {
    let total = std::env::args().find_map(|text| text.parse().ok()).unwrap_or(50_000);
    let stub = Arc::new(Stub { total, ..Stub::default() });
    let options = RuntimeOptions::builder()
        .telemetry_options(TelemetryOptions::builder().build())
        .heartbeat_interval(None)
        .build()
        .expect("options");
    let runtime = CoreRuntime::new(options, TokioRuntimeBuilder::default()).expect("a runtime");
    let handle = runtime.tokio_handle();
    let worker = Arc::new(handle.block_on(start(&runtime, &stub)));

    let (inbox, deliveries) = mpsc::channel();
    let pump = Arc::clone(&worker);
    handle.spawn(async move {
        while let Ok(activation) = pump.poll_workflow_activation().await {
            if inbox.send(activation).is_err() {
                return;
            }
        }
    });
    let begin = Instant::now();
    let mut activations = 0_u64;
    while stub.answered.load(Ordering::Relaxed) < total {
        let Ok(activation) = deliveries.recv_timeout(Duration::from_millis(100)) else {
            continue;
        };
        activations += 1;
        let (worker, answer) = (Arc::clone(&worker), completion(&activation));
        handle.spawn(async move {
            worker.complete_workflow_activation(answer).await.expect("core takes it");
        });
    }
    let seconds = begin.elapsed().as_secs_f64();
    let rate = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
    println!("poll throughput against a stub service: {total} workflows in {seconds:.2} s");
    println!("  {:>8.0} workflows/s  {:>8.0} activations/s", rate(total), rate(activations));
}
