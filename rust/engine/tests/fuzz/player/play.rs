//! One input, played: what its bytes say is done to an engine with open runs of every kind. Then the
//! engine must still serve an ordinary workflow, its file must be sound, and an engine that is opened
//! on the file must serve one too. Whatever is wrong panics.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hourglass_engine::simulation::{Answer, Faults, ManualEngine};
use hourglass_engine::{Call, Code, EngineOptions, RpcStatus, SeededEntropy, Synchronous};
use prost::Message;

use super::live::Live;
use super::source::Source;
use super::support::clock::VirtualClock;
use super::support::server::Rpc;
use super::{check, requests, scenario, wire};

const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";
const TIME: &str = "temporal.api.testservice.v1.TestService";
/// Steps of an input at most.
const STEPS: usize = 200;
/// Turns after which an engine that has nothing more to do must rest.
const TURNS: usize = 2000;

/// Every RPC that the engine knows, read from its table of them.
static METHODS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let source = include_str!("../../../src/service/dispatch.rs");
    let rows = source.lines().filter_map(|line| Some(line.split_once("_SERVICE, \"")?.1));
    rows.filter_map(|row| Some(row.split_once("\", ")?.0)).collect()
});

/// An engine on a file, and everything that is known of it.
pub(crate) struct Play {
    engine: Option<ManualEngine>,
    clock: Arc<VirtualClock>,
    entropy: Arc<SeededEntropy>,
    directory: tempfile::TempDir,
    waiting: Vec<(&'static str, Answer)>,
    pub(crate) live: Live,
    served: usize,
}

/// Play an input.
pub(crate) fn play(input: &[u8]) {
    let mut source = Source::new(input);
    let mut play = Play {
        engine: None,
        clock: Arc::new(VirtualClock::new()),
        entropy: Arc::new(SeededEntropy::new(1)),
        directory: tempfile::tempdir().unwrap(),
        waiting: Vec::new(),
        live: Live::default(),
        served: 0,
    };
    play.open();
    scenario::set_up(&mut play);
    for _ in 0..STEPS {
        if source.is_empty() {
            break;
        }
        play.step(&mut source);
    }
    play.serve();
    play.reopen(source.one_in(2));
    play.serve();
    play.engine = None;
    check::file(&play.path());
}

impl Play {
    fn path(&self) -> PathBuf {
        self.directory.path().join("engine.db")
    }

    fn open(&mut self) {
        let options = EngineOptions {
            path: Some(self.path()),
            synchronous: Synchronous::Normal, // what a power cut does is the simulation's to find out
            clock: Arc::<VirtualClock>::clone(&self.clock),
            entropy: Arc::<SeededEntropy>::clone(&self.entropy),
            ..EngineOptions::default()
        };
        self.engine = Some(ManualEngine::open(options, &Faults::default()).unwrap());
        self.settle();
    }

    /// Close the engine or let it crash, look at its file, and open that again.
    fn reopen(&mut self, crash: bool) {
        self.waiting.clear();
        if let Some(engine) = self.engine.take().filter(|_| !crash) {
            engine.close();
        }
        let runs = check::file(&self.path());
        self.open();
        for (namespace, run) in runs {
            check::run(self, &namespace, &run);
        }
    }

    fn serve(&mut self) {
        self.served += 1;
        scenario::serve(self, &format!("healthy {}", self.served));
    }

    /// Do what the next bytes say.
    fn step(&mut self, source: &mut Source) {
        let method = self.method(source);
        match source.below(24) {
            0 => {
                let length = source.below(64);
                self.send(method, source.take(length), source);
            }
            1 => {
                let seconds = *source.pick(&[0, 0, 1, 1, 5, 10, 60, 600]).unwrap();
                let times = if source.one_in(12) { 6 * 24 * 30 } else { 1 };
                self.advance(Duration::from_secs(seconds * times));
            }
            2 => {
                let index = source.below(self.waiting.len().max(1));
                if index < self.waiting.len() {
                    self.waiting.swap_remove(index); // the caller is gone
                }
                self.settle();
            }
            3 if source.one_in(8) => self.reopen(source.one_in(2)),
            3..10 => {
                let body = requests::valid(method, &mut self.live, source);
                self.send(method, body, source);
            }
            _ => {
                let body = self.invalid(method, source);
                self.send(method, body, source);
            }
        }
    }

    /// Any method; but half of the steps are work, so that something goes on.
    fn method(&mut self, source: &mut Source) -> &'static str {
        match source.below(16) {
            0..2 => "PollWorkflowTaskQueue",
            2..5 if !self.live.tasks.is_empty() => "RespondWorkflowTaskCompleted",
            5 => "PollActivityTaskQueue",
            6 => "StartWorkflowExecution",
            _ => match *source.pick(&METHODS).unwrap() {
                "TerminateWorkflowExecution" if !source.one_in(6) => "UpdateWorkflowExecution",
                method => method,
            },
        }
    }

    /// A request with something wrong in it.
    fn invalid(&mut self, method: &'static str, source: &mut Source) -> Vec<u8> {
        let of = if source.one_in(24) { source.pick(&METHODS).unwrap() } else { method };
        let mut body = requests::valid(of, &mut self.live, source);
        if let Some(mut fields) = wire::parse(&body) {
            for _ in 0..=source.below(2) {
                wire::mutate(&mut fields, source, &self.live.pool);
            }
            body = wire::encode(&fields);
        }
        if source.one_in(24) {
            wire::damage(&mut body, source);
        }
        body
    }

    fn send(&mut self, method: &'static str, body: Vec<u8>, source: &mut Source) {
        let seconds = *source.pick(&[0, 1, 20, 70]).unwrap();
        let timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
        self.call(method, timeout, body);
        self.settle();
    }

    fn call(&mut self, method: &'static str, timeout: Option<Duration>, body: Vec<u8>) {
        let of_time = method.contains("Time") || method.contains("Sleep");
        let service = if of_time { TIME } else { SERVICE }.to_owned();
        let call = Call { service, method: method.to_owned(), timeout, body: body.into() };
        let answer = self.engine.as_ref().unwrap().send(call);
        self.waiting.push((method, answer));
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.settle();
    }

    /// Turn the engine until it rests, and take all answers.
    fn settle(&mut self) {
        let engine = self.engine.as_mut().unwrap();
        let mut turns = 0;
        while engine.turn(false) > 0 || engine.patience() == Some(Duration::ZERO) {
            turns += 1;
            assert!(turns < TURNS, "the engine comes to rest");
        }
        let mut index = 0;
        while let Some((method, answer)) = self.waiting.get_mut(index) {
            match answer.take() {
                None => index += 1,
                Some(answer) => {
                    let method = *method;
                    self.waiting.swap_remove(index);
                    match answer {
                        Ok(response) => self.live.learn(method, &response),
                        Err(status) => is_told(method, &status),
                    }
                }
            }
        }
    }

    /// Make a call that is answered at once.
    pub(crate) fn ask<R: Rpc>(&mut self, request: &R) -> Result<R::Response, RpcStatus> {
        self.call(R::method(), None, request.encode_to_vec());
        let (method, mut answer) = self.waiting.pop().unwrap();
        self.settle();
        let answer = answer.take().unwrap_or_else(|| panic!("{method} is answered"));
        if let Err(status) = &answer {
            is_told(method, status);
        }
        let response = answer?;
        self.live.learn(method, &response);
        Ok(R::Response::decode(response).unwrap())
    }

    /// Make a call that waits.
    pub(crate) fn park<R: Rpc>(&mut self, request: &R) {
        self.call(R::method(), None, request.encode_to_vec());
        self.settle();
    }
}

/// An error must be the caller's: no request may break the store or a run.
fn is_told(method: &str, status: &RpcStatus) {
    let of_engine = [Code::Internal, Code::Unavailable, Code::DataLoss, Code::Unknown];
    assert!(!of_engine.contains(&status.code), "{method}: {status}");
}
