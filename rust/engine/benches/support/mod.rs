//! An engine on a file, workers that drive empty workflows through it, and how numbers are printed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hourglass_engine::{Call, Clock, Engine, EngineOptions, RpcStatus, SystemClock, Timestamp};
use prost::Message;
use temporalio_protos::temporal::api::command::v1::{
    Command, CompleteWorkflowExecutionCommandAttributes, StartTimerCommandAttributes,
    command::Attributes,
};
use temporalio_protos::temporal::api::common::v1::{
    Payload, SearchAttributes, WorkflowExecution, WorkflowType,
};
use temporalio_protos::temporal::api::enums::v1::{
    CommandType, HistoryEventFilterType, TaskQueueKind,
};
use temporalio_protos::temporal::api::history::v1::{
    HistoryEvent, history_event::Attributes as Kind,
};
use temporalio_protos::temporal::api::taskqueue::v1::{StickyExecutionAttributes, TaskQueue};
use temporalio_protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, DescribeNamespaceRequest,
    DescribeNamespaceResponse, DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse,
    ListWorkflowExecutionsRequest, ListWorkflowExecutionsResponse, PollWorkflowTaskQueueRequest,
    PollWorkflowTaskQueueResponse, RespondWorkflowTaskCompletedRequest,
    RespondWorkflowTaskCompletedResponse, SignalWorkflowExecutionRequest,
    SignalWorkflowExecutionResponse, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
};

const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
const NAMESPACE: &str = "default";
const QUEUE: &str = "bench";

/// A client of an engine on a file that survives power cuts.
#[derive(Clone)]
pub(crate) struct Client {
    engine: Engine,
    started: Arc<AtomicUsize>,
}

impl Client {
    pub(crate) fn open(path: &Path) -> Self {
        Self::open_with(path, Arc::new(SystemClock))
    }

    /// The same by another clock.
    pub(crate) fn open_with(path: &Path, clock: Arc<dyn Clock>) -> Self {
        let path = Some(path.to_owned());
        let options = EngineOptions { path, clock, ..EngineOptions::default() };
        let engine = Engine::open(options).expect("the engine opens");
        Self { engine, started: Arc::default() }
    }

    pub(crate) fn close(&self) {
        self.engine.close();
    }

    async fn call<R: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<R, RpcStatus> {
        let call = Call {
            service: SERVICE.to_owned(),
            method: method.to_owned(),
            timeout: None,
            body: request.encode_to_vec().into(),
        };
        let bytes = self.engine.dispatch(call).await?;
        Ok(R::decode(bytes).expect("the engine answers with the method's response"))
    }

    /// Start the next empty workflow.
    pub(crate) async fn start(&self) -> WorkflowExecution {
        self.start_with(None).await
    }

    /// The same for a user, by whom it is found.
    pub(crate) async fn start_by(&self, user: &str) -> WorkflowExecution {
        let payload = Payload { data: format!("\"{user}\"").into_bytes(), ..Default::default() };
        let indexed_fields = [("BatcherUser".to_owned(), payload)].into();
        self.start_with(Some(SearchAttributes { indexed_fields })).await
    }

    async fn start_with(&self, search_attributes: Option<SearchAttributes>) -> WorkflowExecution {
        let workflow_id = format!("run-{}", self.started.fetch_add(1, Ordering::Relaxed));
        let request = StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: workflow_id.clone(),
            workflow_type: Some(WorkflowType { name: "Empty".to_owned() }),
            task_queue: Some(queue()),
            request_id: workflow_id.clone(),
            search_attributes,
            ..Default::default()
        };
        let response: StartWorkflowExecutionResponse =
            self.call("StartWorkflowExecution", &request).await.expect("the workflow starts");
        WorkflowExecution { workflow_id, run_id: response.run_id }
    }

    /// Wait for the end of a run.
    pub(crate) async fn result(&self, run: WorkflowExecution) {
        let mut request = GetWorkflowExecutionHistoryRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run),
            wait_new_event: true,
            history_event_filter_type: HistoryEventFilterType::CloseEvent.into(),
            ..Default::default()
        };
        loop {
            let page: GetWorkflowExecutionHistoryResponse = self
                .call("GetWorkflowExecutionHistory", &request)
                .await
                .expect("the history can be read");
            if page.history.is_some_and(|history| !history.events.is_empty()) {
                return;
            }
            request.next_page_token = page.next_page_token;
        }
    }

    /// Count what a query finds.
    pub(crate) async fn count(&self, query: &str) {
        let request = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
        };
        let _: CountWorkflowExecutionsResponse =
            self.call("CountWorkflowExecutions", &request).await.expect("the query is answered");
    }

    /// The first hundred that a query finds.
    pub(crate) async fn list(&self, query: &str) {
        let request = ListWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: query.to_owned(),
            page_size: 100,
            ..Default::default()
        };
        let _: ListWorkflowExecutionsResponse =
            self.call("ListWorkflowExecutions", &request).await.expect("the query is answered");
    }

    /// Append one event to a run.
    pub(crate) async fn signal(&self, run: &WorkflowExecution) {
        let request = SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
            signal_name: "event".to_owned(),
            ..Default::default()
        };
        let _: SignalWorkflowExecutionResponse =
            self.call("SignalWorkflowExecution", &request).await.expect("the signal is taken");
    }

    /// Complete every workflow task that comes, until the task that runs this is aborted.
    pub(crate) async fn work(self) {
        self.work_and_count(Arc::default()).await;
    }

    /// The same, and count them.
    pub(crate) async fn work_and_count(self, done: Arc<AtomicUsize>) {
        let poll = PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(queue()),
            identity: "bench".to_owned(),
            ..Default::default()
        };
        loop {
            let task: PollWorkflowTaskQueueResponse =
                self.call("PollWorkflowTaskQueue", &poll).await.expect("the poll is answered");
            if task.task_token.is_empty() {
                continue;
            }
            let request = RespondWorkflowTaskCompletedRequest {
                namespace: NAMESPACE.to_owned(),
                task_token: task.task_token,
                commands: vec![complete()],
                ..Default::default()
            };
            let _: RespondWorkflowTaskCompletedResponse = self
                .call("RespondWorkflowTaskCompleted", &request)
                .await
                .expect("the completion is taken");
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Client {
    /// A question that changes nothing.
    pub(crate) async fn idle(&self) {
        let request =
            DescribeNamespaceRequest { namespace: NAMESPACE.into(), ..Default::default() };
        let _: DescribeNamespaceResponse =
            self.call("DescribeNamespace", &request).await.expect("the namespace is there");
    }

    async fn poll(&self, queue: TaskQueue) -> PollWorkflowTaskQueueResponse {
        let poll = PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(queue),
            identity: "bench".to_owned(),
            ..Default::default()
        };
        self.call("PollWorkflowTaskQueue", &poll).await.expect("the poll is answered")
    }

    /// Complete a workflow task, as a worker that keeps the run in its cache.
    async fn complete(&self, task: PollWorkflowTaskQueueResponse, commands: Vec<Command>) {
        let sticky_attributes = Some(StickyExecutionAttributes {
            worker_task_queue: Some(sticky_queue()),
            schedule_to_start_timeout: Duration::from_secs(10).try_into().ok(),
        });
        let request = RespondWorkflowTaskCompletedRequest {
            namespace: NAMESPACE.to_owned(),
            task_token: task.task_token,
            commands,
            sticky_attributes,
            ..Default::default()
        };
        let _: RespondWorkflowTaskCompletedResponse = self
            .call("RespondWorkflowTaskCompleted", &request)
            .await
            .expect("the completion is taken");
    }

    /// The first workflow task of a run that waits for signals.
    pub(crate) async fn first_task(&self) {
        let task = self.poll(queue()).await;
        self.complete(task, Vec::new()).await;
    }

    /// Signal the run and complete the workflow task that sees it.
    pub(crate) async fn step(&self, run: &WorkflowExecution) {
        let (task, ()) = tokio::join!(self.poll(sticky_queue()), self.signal(run));
        self.complete(task, Vec::new()).await;
    }

    /// How many events a run has.
    pub(crate) async fn history_length(&self, run: &WorkflowExecution) -> usize {
        let request = DescribeWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
        };
        let response: DescribeWorkflowExecutionResponse =
            self.call("DescribeWorkflowExecution", &request).await.expect("the run is there");
        let length = response.workflow_execution_info.map_or(0, |info| info.history_length);
        usize::try_from(length).expect("a length")
    }

    /// Start `count` workflows, of which each sleeps a little longer than the one before.
    pub(crate) async fn put_to_sleep(
        &self,
        count: usize,
        sleep: Duration,
        apart: Duration,
    ) -> Asleep {
        let worker = self.clone();
        let first_due = SystemClock.now().after(sleep);
        let working = tokio::spawn(async move {
            for index in 0..count {
                let task = worker.poll(queue()).await;
                let sleep =
                    first_due.since(SystemClock.now()) + apart * u32::try_from(index).unwrap_or(0);
                let worker = worker.clone();
                tokio::spawn(async move { worker.complete(task, vec![start_timer(sleep)]).await });
            }
        });
        let began = Instant::now();
        let client = self.clone();
        Sample::take(count, 100, move |_| {
            let client = client.clone();
            async move {
                client.start().await;
            }
        })
        .await;
        working.await.expect("the worker does not panic");
        let per_second =
            f64::from(u32::try_from(count).unwrap_or(0)) / began.elapsed().as_secs_f64();
        Asleep { first_due, per_second }
    }

    /// Take the next `count` workflow tasks, and tell how late their timers fired.
    pub(crate) async fn wake(&self, count: usize, clock: &dyn Clock) -> Vec<Duration> {
        let mut late = Vec::with_capacity(count);
        for _ in 0..count {
            let task = self.poll(queue()).await;
            let now = clock.now();
            let events = task.history.map(|history| history.events).unwrap_or_default();
            let due = events.iter().find_map(due).expect("a timer was started");
            late.push(now.since(due));
        }
        late
    }
}

/// What [`Client::put_to_sleep`] did.
pub(crate) struct Asleep {
    pub(crate) first_due: Timestamp,
    pub(crate) per_second: f64,
}

/// When the timer is due that an event started.
fn due(event: &HistoryEvent) -> Option<Timestamp> {
    let Some(Kind::TimerStartedEventAttributes(started)) = &event.attributes else { return None };
    let at = event.event_time.as_ref()?;
    let after = started.start_to_fire_timeout.as_ref()?;
    let nanos = |seconds: i64, nanos: i32| seconds * 1_000_000_000 + i64::from(nanos);
    Some(Timestamp(nanos(at.seconds, at.nanos) + nanos(after.seconds, after.nanos)))
}

fn start_timer(sleep: Duration) -> Command {
    Command {
        command_type: CommandType::StartTimer.into(),
        attributes: Some(Attributes::StartTimerCommandAttributes(StartTimerCommandAttributes {
            timer_id: "1".to_owned(),
            start_to_fire_timeout: sleep.try_into().ok(),
        })),
        ..Default::default()
    }
}

fn sticky_queue() -> TaskQueue {
    TaskQueue {
        name: "bench-sticky".to_owned(),
        kind: TaskQueueKind::Sticky.into(),
        normal_name: QUEUE.to_owned(),
    }
}

fn queue() -> TaskQueue {
    TaskQueue { name: QUEUE.to_owned(), ..Default::default() }
}

fn complete() -> Command {
    Command {
        command_type: CommandType::CompleteWorkflowExecution.into(),
        attributes: Some(Attributes::CompleteWorkflowExecutionCommandAttributes(
            CompleteWorkflowExecutionCommandAttributes::default(),
        )),
        ..Default::default()
    }
}

/// What one measurement took.
pub(crate) struct Sample {
    latencies: Vec<Duration>,
    total: Duration,
}

impl Sample {
    /// Run `count` operations, `in_flight` at a time.
    pub(crate) async fn take<F>(
        count: usize,
        in_flight: usize,
        operation: impl Fn(usize) -> F + Clone + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let next = Arc::new(AtomicUsize::new(0));
        let mut lanes = tokio::task::JoinSet::new();
        let began = Instant::now();
        for _ in 0..in_flight {
            let (next, operation) = (Arc::clone(&next), operation.clone());
            lanes.spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return latencies;
                    }
                    let began = Instant::now();
                    operation(index).await;
                    latencies.push(began.elapsed());
                }
            });
        }
        let mut latencies = Vec::with_capacity(count);
        while let Some(lane) = lanes.join_next().await {
            latencies.extend(lane.expect("a lane does not panic"));
        }
        latencies.sort_unstable();
        Self { latencies, total: began.elapsed() }
    }

    /// Print one line: what, how many a second, and how long one took.
    pub(crate) fn print(&self, what: &str) {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        let per_second = f64::from(count) / self.total.as_secs_f64();
        let at = |percent: usize| {
            let index = self.latencies.len().saturating_sub(1) * percent / 100;
            self.latencies.get(index).copied().unwrap_or_default()
        };
        println!("{what:<44} {per_second:>9.0}/s   p50 {:>9.3?}   p99 {:>9.3?}", at(50), at(99));
    }
}

/// How many operations a measurement has: fewer when the benchmark is only checked to run.
pub(crate) fn scaled(count: usize) -> usize {
    if std::env::args().any(|argument| argument == "--bench") { count } else { count / 100 }
}
