//! An engine as a client sees it: typed calls, and histories to look at.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hourglass_engine::simulation::{self, Faults};
use hourglass_engine::{Call, Engine, EngineOptions, HistoryLimits, RpcStatus, SeededEntropy};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::enums::v1::EventType;
use temporalio_protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::clock::VirtualClock;
use super::logs;
use super::values::{NAMESPACE, QUEUE, queue, workflow_type};

pub(crate) const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// No call of these tests needs this long; one that does hangs.
const HANGS: Duration = Duration::from_mins(1);

/// A request that knows its method and its response.
pub(crate) trait Rpc: Message {
    type Response: Message + Default;
    fn method() -> &'static str;
}

macro_rules! rpcs {
    ($($request:ident => $response:ident,)*) => {$(
        impl Rpc for $request {
            type Response = $response;
            fn method() -> &'static str {
                stringify!($request).strip_suffix("Request").unwrap()
            }
        }
    )*};
}

rpcs! {
    CountActivityExecutionsRequest => CountActivityExecutionsResponse,
    CountWorkflowExecutionsRequest => CountWorkflowExecutionsResponse,
    DeleteActivityExecutionRequest => DeleteActivityExecutionResponse,
    DescribeActivityExecutionRequest => DescribeActivityExecutionResponse,
    DeleteWorkflowExecutionRequest => DeleteWorkflowExecutionResponse,
    DescribeNamespaceRequest => DescribeNamespaceResponse,
    DescribeTaskQueueRequest => DescribeTaskQueueResponse,
    DescribeWorkflowExecutionRequest => DescribeWorkflowExecutionResponse,
    ExecuteMultiOperationRequest => ExecuteMultiOperationResponse,
    GetClusterInfoRequest => GetClusterInfoResponse,
    GetSystemInfoRequest => GetSystemInfoResponse,
    GetWorkflowExecutionHistoryReverseRequest => GetWorkflowExecutionHistoryReverseResponse,
    GetWorkflowExecutionHistoryRequest => GetWorkflowExecutionHistoryResponse,
    ListActivityExecutionsRequest => ListActivityExecutionsResponse,
    ListNamespacesRequest => ListNamespacesResponse,
    ListWorkflowExecutionsRequest => ListWorkflowExecutionsResponse,
    ListSchedulesRequest => ListSchedulesResponse,
    PauseActivityExecutionRequest => PauseActivityExecutionResponse,
    PauseActivityRequest => PauseActivityResponse,
    PollActivityExecutionRequest => PollActivityExecutionResponse,
    PollActivityTaskQueueRequest => PollActivityTaskQueueResponse,
    PollWorkflowExecutionUpdateRequest => PollWorkflowExecutionUpdateResponse,
    PollWorkflowTaskQueueRequest => PollWorkflowTaskQueueResponse,
    QueryWorkflowRequest => QueryWorkflowResponse,
    RecordActivityTaskHeartbeatRequest => RecordActivityTaskHeartbeatResponse,
    RecordActivityTaskHeartbeatByIdRequest => RecordActivityTaskHeartbeatByIdResponse,
    RegisterNamespaceRequest => RegisterNamespaceResponse,
    RequestCancelActivityExecutionRequest => RequestCancelActivityExecutionResponse,
    RequestCancelWorkflowExecutionRequest => RequestCancelWorkflowExecutionResponse,
    ResetActivityRequest => ResetActivityResponse,
    ResetActivityExecutionRequest => ResetActivityExecutionResponse,
    ResetStickyTaskQueueRequest => ResetStickyTaskQueueResponse,
    ResetWorkflowExecutionRequest => ResetWorkflowExecutionResponse,
    RespondActivityTaskCanceledRequest => RespondActivityTaskCanceledResponse,
    RespondActivityTaskCanceledByIdRequest => RespondActivityTaskCanceledByIdResponse,
    RespondActivityTaskCompletedByIdRequest => RespondActivityTaskCompletedByIdResponse,
    RespondActivityTaskCompletedRequest => RespondActivityTaskCompletedResponse,
    RespondActivityTaskFailedByIdRequest => RespondActivityTaskFailedByIdResponse,
    RespondActivityTaskFailedRequest => RespondActivityTaskFailedResponse,
    RespondQueryTaskCompletedRequest => RespondQueryTaskCompletedResponse,
    RespondWorkflowTaskCompletedRequest => RespondWorkflowTaskCompletedResponse,
    RespondWorkflowTaskFailedRequest => RespondWorkflowTaskFailedResponse,
    ShutdownWorkerRequest => ShutdownWorkerResponse,
    SignalWithStartWorkflowExecutionRequest => SignalWithStartWorkflowExecutionResponse,
    SignalWorkflowExecutionRequest => SignalWorkflowExecutionResponse,
    StartActivityExecutionRequest => StartActivityExecutionResponse,
    StartWorkflowExecutionRequest => StartWorkflowExecutionResponse,
    TerminateActivityExecutionRequest => TerminateActivityExecutionResponse,
    TerminateWorkflowExecutionRequest => TerminateWorkflowExecutionResponse,
    UnpauseActivityExecutionRequest => UnpauseActivityExecutionResponse,
    UnpauseActivityRequest => UnpauseActivityResponse,
    UpdateActivityOptionsRequest => UpdateActivityOptionsResponse,
    UpdateWorkflowExecutionOptionsRequest => UpdateWorkflowExecutionOptionsResponse,
    UpdateActivityExecutionOptionsRequest => UpdateActivityExecutionOptionsResponse,
    UpdateWorkflowExecutionRequest => UpdateWorkflowExecutionResponse,
}

/// An engine with a clock that the test moves.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<VirtualClock>,
}

impl Server {
    /// An engine that keeps everything in memory.
    pub(crate) fn in_memory() -> Self {
        Self::with_clock(VirtualClock::new())
    }

    /// An engine in memory that goes by this clock.
    pub(crate) fn with_clock(clock: VirtualClock) -> Self {
        Self::open(None, Arc::new(clock))
    }

    /// An engine in memory whose histories may grow to this.
    pub(crate) fn with_history_limits(history_limits: HistoryLimits) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let options = EngineOptions { history_limits, ..Self::options(None, &clock) };
        Self { engine: Engine::open(options).unwrap(), clock }
    }

    /// An engine on the file.
    pub(crate) fn on_file(path: &Path) -> Self {
        Self::open(Some(path.to_owned()), Arc::new(VirtualClock::new()))
    }

    fn open(path: Option<PathBuf>, clock: Arc<VirtualClock>) -> Self {
        Self { engine: Engine::open(Self::options(path, &clock)).unwrap(), clock }
    }

    /// An engine on the file whose store fails as `faults` says.
    pub(crate) fn on_faulty_file(path: &Path, faults: &Faults) -> Self {
        Self::open_faulty(path, faults, Arc::new(VirtualClock::new()))
    }

    fn open_faulty(path: &Path, faults: &Faults, clock: Arc<VirtualClock>) -> Self {
        let options = Self::options(Some(path.to_owned()), &clock);
        Self { engine: simulation::open(options, faults).unwrap(), clock }
    }

    fn options(path: Option<PathBuf>, clock: &Arc<VirtualClock>) -> EngineOptions {
        logs::keep(); // for all: a thread that has nobody to log to may turn a line off for the others
        EngineOptions {
            path,
            clock: Arc::<VirtualClock>::clone(clock),
            entropy: Arc::new(SeededEntropy::new(std::process::id().into())),
            ..EngineOptions::default()
        }
    }

    /// Crash, or close, and open the same file again with a store that works.
    pub(crate) fn reopen_healed(self, path: &Path, faults: &Faults) -> Self {
        self.engine.close();
        faults.heal();
        let clock = Arc::clone(&self.clock);
        drop(self);
        Self::open_faulty(path, faults, clock)
    }

    /// Close the engine and open the same file again, at the same time.
    pub(crate) fn reopen(self, path: &Path) -> Self {
        self.engine.close();
        let clock = Arc::clone(&self.clock);
        drop(self);
        Self::open(Some(path.to_owned()), clock)
    }

    /// Make a call that has no deadline of its own.
    pub(crate) async fn call<R: Rpc>(&self, request: R) -> Result<R::Response, RpcStatus> {
        self.call_within(None, request).await
    }

    /// Make a call whose caller waits for `timeout`.
    pub(crate) async fn call_within<R: Rpc>(
        &self,
        timeout: Option<Duration>,
        request: R,
    ) -> Result<R::Response, RpcStatus> {
        let bytes = self.call_raw(SERVICE, R::method(), timeout, request.encode_to_vec()).await?;
        Ok(R::Response::decode(bytes).unwrap())
    }

    /// Make a call by name.
    pub(crate) async fn call_raw(
        &self,
        service: &str,
        method: &str,
        timeout: Option<Duration>,
        body: Vec<u8>,
    ) -> Result<bytes::Bytes, RpcStatus> {
        let call = Call {
            service: service.to_owned(),
            method: method.to_owned(),
            timeout,
            body: body.into(),
        };
        tokio::time::timeout(HANGS, self.engine.dispatch(call))
            .await
            .unwrap_or_else(|_| panic!("{method} was never answered"))
    }

    /// Return once the engine has looked at everything that was asked of it before, and at the time.
    pub(crate) async fn settle(&self) {
        for _ in 0..2 {
            let request =
                DescribeNamespaceRequest { namespace: NAMESPACE.to_owned(), ..Default::default() };
            self.call(request).await.ok(); // the answer may be that something else failed
        }
    }

    /// Let time pass, and what it makes due happen.
    pub(crate) async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.settle().await;
    }

    /// Let seconds pass.
    pub(crate) async fn advance_secs(&self, by: u64) {
        self.advance(Duration::from_secs(by)).await;
    }

    /// Let long polls grow old while workflow time stands still.
    pub(crate) async fn advance_wall_secs(&self, by: u64) {
        self.clock.advance_wall(Duration::from_secs(by));
        self.settle().await;
    }

    /// What has become of `future` once the engine has settled.
    pub(crate) async fn settled<F: Future>(&self, future: &mut Pin<&mut F>) -> Poll<F::Output> {
        let mut look = || {
            let waker = std::task::Waker::noop();
            future.as_mut().poll(&mut std::task::Context::from_waker(waker))
        };
        if let Poll::Ready(done) = look() {
            return Poll::Ready(done);
        }
        self.settle().await;
        look()
    }

    /// Whether `future` is still waiting after the engine has settled.
    pub(crate) async fn parks<F: Future>(&self, future: &mut Pin<&mut F>) -> bool {
        self.settled(future).await.is_pending()
    }

    /// A request to start `workflow_id` of type `Pipeline` on the tests' task queue.
    pub(crate) fn start_request(workflow_id: &str) -> StartWorkflowExecutionRequest {
        StartWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_id: workflow_id.to_owned(),
            workflow_type: workflow_type("Pipeline"),
            task_queue: queue(QUEUE),
            request_id: format!("start {workflow_id}"),
            identity: "starter".to_owned(),
            ..Default::default()
        }
    }

    /// Start `workflow_id`.
    pub(crate) async fn start(&self, workflow_id: &str) -> WorkflowExecution {
        self.start_with(Self::start_request(workflow_id)).await
    }

    /// Start what `request` says.
    pub(crate) async fn start_with(
        &self,
        request: StartWorkflowExecutionRequest,
    ) -> WorkflowExecution {
        let workflow_id = request.workflow_id.clone();
        let run_id = self.call(request).await.unwrap().run_id;
        WorkflowExecution { workflow_id, run_id }
    }

    /// Signal a run.
    pub(crate) async fn signal(
        &self,
        run: &WorkflowExecution,
        name: &str,
    ) -> Result<(), RpcStatus> {
        self.call(Self::signal_request(run, name)).await.map(drop)
    }

    /// The request of [`Self::signal`].
    pub(crate) fn signal_request(
        run: &WorkflowExecution,
        name: &str,
    ) -> SignalWorkflowExecutionRequest {
        SignalWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
            signal_name: name.to_owned(),
            identity: "signaller".to_owned(),
            ..Default::default()
        }
    }

    /// Terminate a run.
    pub(crate) async fn terminate(&self, run: &WorkflowExecution) -> Result<(), RpcStatus> {
        self.call(TerminateWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            workflow_execution: Some(run.clone()),
            reason: "enough".to_owned(),
            identity: "terminator".to_owned(),
            ..Default::default()
        })
        .await
        .map(drop)
    }

    /// Describe a run.
    pub(crate) async fn describe(
        &self,
        run: &WorkflowExecution,
    ) -> Result<DescribeWorkflowExecutionResponse, RpcStatus> {
        self.call(DescribeWorkflowExecutionRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
        })
        .await
    }

    /// A request for the first page of a run's history.
    pub(crate) fn history_request(run: &WorkflowExecution) -> GetWorkflowExecutionHistoryRequest {
        GetWorkflowExecutionHistoryRequest {
            namespace: NAMESPACE.to_owned(),
            execution: Some(run.clone()),
            ..Default::default()
        }
    }

    /// The whole history of a run, checked to have the ids 1, 2, 3 and so on.
    pub(crate) async fn history(&self, run: &WorkflowExecution) -> History {
        let mut request = Self::history_request(run);
        let mut events = Vec::new();
        loop {
            let page = self.call(request.clone()).await.unwrap();
            events.extend(page.history.unwrap().events);
            if page.next_page_token.is_empty() {
                break;
            }
            request.next_page_token = page.next_page_token;
        }
        let history = History(events);
        history.check();
        history
    }

    /// The types of a run's events.
    pub(crate) async fn event_types(&self, run: &WorkflowExecution) -> Vec<EventType> {
        self.history(run).await.types()
    }
}

/// A run's events.
pub(crate) struct History(pub(crate) Vec<HistoryEvent>);

impl History {
    fn check(&self) {
        for (index, event) in self.0.iter().enumerate() {
            assert_eq!(event.event_id, i64::try_from(index).unwrap() + 1, "{:?}", self.types());
        }
    }

    pub(crate) fn types(&self) -> Vec<EventType> {
        self.0.iter().map(HistoryEvent::event_type).collect()
    }

    /// The attributes of the event with this id.
    pub(crate) fn attributes(&self, event_id: usize) -> &Attributes {
        self.0[event_id - 1].attributes.as_ref().unwrap()
    }

    /// The attributes of the last event.
    pub(crate) fn last(&self) -> &Attributes {
        self.attributes(self.0.len())
    }
}
