//! Everything there is: an engine on a disk, clients, workers, time, and what goes wrong.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use hourglass_engine::simulation::{Answer, Fault, Faults, ManualEngine, Step};
use hourglass_engine::{Call, EngineOptions, RpcStatus, SeededEntropy, Synchronous};
use prost::Message as _;
use temporalio_protos::temporal::api::history::v1::HistoryEvent;

use super::audit::{Audit, digest};
use super::clients::{self, Clients};
use super::deletions::Deletions;
use super::disk::{Disk, RunRow};
use super::invariants;
use super::ledger::Ledger;
use super::rng::Rng;
use super::summary::Summary;
use super::support::clock::VirtualClock;
use super::support::server::Rpc;
use super::workers::{self, Workers};

/// Steps of a seed before everything is brought to its end.
const STEPS: u64 = 300;
/// Steps of a calm seed.
const CALM_STEPS: u64 = 120;
/// Of a hundred kinds of steps, what happens in calm seeds.
const CALM: u64 = 92;
/// Rounds in which everything has to come to its end.
const ROUNDS: u64 = 2000;
/// Turns after which an engine that has nothing more to do must rest.
const TURNS: u64 = 2000;

const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// An invariant does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    invariant: &'static str,
    pub(super) detail: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, detail: impl Into<String>) -> Self {
        Self { invariant, detail: detail.into() }
    }
}

impl Violation {
    /// Show the history that it is about.
    pub(super) fn within(mut self, events: &[HistoryEvent]) -> Self {
        for event in events {
            let name = event.event_type().as_str_name().trim_start_matches("EVENT_TYPE_");
            let time = event.event_time.unwrap_or_default();
            let _ = write!(
                self.detail,
                "\n{:3} {}.{:09} {name}",
                event.event_id, time.seconds, time.nanos
            );
        }
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "violated: {}: {}", self.invariant, self.detail)
    }
}

pub(crate) type Checked = Result<(), Violation>;

/// The invariant holds if `holds`.
pub(crate) fn require(
    invariant: &'static str,
    holds: bool,
    detail: impl FnOnce() -> String,
) -> Checked {
    if holds { Ok(()) } else { Err(Violation::new(invariant, detail())) }
}

/// A call that is under way.
struct Flight {
    answer: Answer,
    purpose: Purpose,
    method: &'static str,
    body: Vec<u8>,
}

/// What to do with an answer.
pub(crate) enum Purpose {
    Client(clients::Purpose),
    Worker(workers::Purpose),
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) clock: Arc<VirtualClock>,
    entropy: Arc<SeededEntropy>,
    pub(crate) faults: Faults,
    pub(super) disk: Disk,
    pub(super) engine: Option<ManualEngine>,
    flights: Vec<Flight>,
    /// Calls that were sent, and answers that nobody took: the engine has something to do.
    sent: u64,
    pub(crate) rows: Vec<RunRow>,
    pub(crate) keys: BTreeMap<String, i64>,
    pub(crate) audits: BTreeMap<i64, Audit>,
    pub(crate) ledger: Ledger,
    pub(crate) clients: Clients,
    pub(crate) workers: Workers,
    pub(crate) deletions: Deletions,
    /// Commits and length of the log whenever nothing was under way, since the engine was opened.
    pub(super) marks: Vec<(u64, u64)>,
    /// Nothing fails by chance.
    pub(super) is_calm: bool,
    /// Everything is to come to its end.
    pub(crate) ending: bool,
    /// Tell what happens, for people.
    pub(super) traced: bool,
    pub(super) summary: Summary,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            clock: Arc::new(VirtualClock::new()),
            entropy: Arc::new(SeededEntropy::new(!seed)),
            faults: Faults::default(),
            disk: Disk::new(),
            engine: None,
            flights: Vec::new(),
            sent: 0,
            rows: Vec::new(),
            keys: BTreeMap::new(),
            audits: BTreeMap::new(),
            ledger: Ledger::default(),
            clients: Clients::default(),
            workers: Workers::default(),
            deletions: Deletions::default(),
            marks: Vec::new(),
            is_calm: false,
            ending: false,
            traced: std::env::var_os("SIMULATION_TRACE").is_some(),
            summary: Summary::default(),
        }
    }

    /// Live through a seed.
    pub(crate) fn simulate(seed: u64) -> Result<Summary, Violation> {
        let mut world = Self::new(seed);
        world.open()?;
        world.live(STEPS)?;
        world.end()?;
        Ok(world.summed_up())
    }

    /// Live through some steps of a seed in which nothing goes wrong but that the machine stops at the
    /// `nth` such step of the store. `None`: there are not as many.
    pub(crate) fn crash_at(seed: u64, step: Step, nth: u64) -> Result<Option<Summary>, Violation> {
        let mut world = Self::new(seed);
        world.is_calm = true;
        world.open()?;
        world.faults.crash(step, nth);
        world.live(CALM_STEPS)?;
        if world.summary.crashes == 0 {
            return Ok(None);
        }
        world.end()?;
        Ok(Some(world.summed_up()))
    }

    /// What is there after a seed's steps, with nothing under way.
    pub(crate) fn at_rest(seed: u64) -> Result<Self, Violation> {
        let mut world = Self::new(seed);
        world.open()?;
        world.live(STEPS)?;
        world.faults.heal();
        world.settle()?;
        Ok(world)
    }

    fn live(&mut self, steps: u64) -> Checked {
        (0..steps).try_for_each(|_| self.step())
    }

    fn summed_up(mut self) -> Summary {
        self.summary.runs = u64::try_from(self.rows.len()).unwrap();
        for audit in self.audits.values() {
            self.summary.events += u64::try_from(audit.next - 1).unwrap();
            self.summary.digest = digest(self.summary.digest, &audit.digest.to_be_bytes());
        }
        self.summary
    }

    fn step(&mut self) -> Checked {
        self.summary.steps += 1;
        let limit = if self.is_calm { CALM } else { 100 };
        match self.rng.below(limit) {
            0..22 => clients::act(self),
            22..84 => workers::act(self),
            84..92 => self.let_time_pass(),
            92..96 => self.plan_failure(),
            96..97 => self.drop_call(),
            97..98 => return self.crash(),
            98 if self.rng.percent(50) => return self.close_and_open(),
            98 if self.rng.percent(50) => self.set_clock(),
            99 if self.rng.percent(70) => return self.compare_with_what_clients_see(),
            _ => {}
        }
        if self.rng.percent(70) { self.settle() } else { Ok(()) }
    }

    /// Bring everything to its end: no more failures, workers that close what they get.
    fn end(&mut self) -> Checked {
        self.ending = true;
        self.faults.heal();
        self.settle()?;
        for _ in 0..ROUNDS {
            if self.rows.iter().all(|row| !invariants::is_open(row)) && !self.rows.is_empty() {
                self.close_and_open()?;
                self.check_from_the_start()?;
                return self.compare_with_what_clients_see();
            }
            clients::act(self);
            workers::act(self);
            self.settle()?;
            if self.rng.percent(20) {
                self.let_time_pass();
            }
        }
        let open: Vec<_> = self.rows.iter().filter(|row| invariants::is_open(row)).collect();
        let events = open.first().map(|row| self.disk.events(row.key, 1)).unwrap_or_default();
        let violation = Violation::new("every run comes to its end", format!("{open:?}"));
        Err(violation.within(&events))
    }

    // --- calls ------------------------------------------------------------------------------

    pub(crate) fn send<R: Rpc>(&mut self, request: &R, purpose: Purpose) {
        self.send_encoded(R::method(), request.encode_to_vec(), purpose);
    }

    pub(super) fn send_encoded(&mut self, method: &'static str, body: Vec<u8>, purpose: Purpose) {
        let timeout = self.rng.percent(50).then(|| Duration::from_secs(30));
        let service = if method == "ConfirmWorkflowTask" { "hourglass.Engine" } else { SERVICE };
        let call = Call {
            service: service.to_owned(),
            method: method.to_owned(),
            timeout,
            body: body.clone().into(),
        };
        let answer = self.engine.as_ref().unwrap().send(call);
        self.sent += 1;
        self.flights.push(Flight { answer, purpose, method, body });
    }

    /// Ask, and have the answer at once.
    pub(super) fn ask<R: Rpc>(&mut self, request: &R) -> Result<R::Response, Violation> {
        self.call(request).map_err(|error| {
            Violation::new("what is asked is answered", format!("{}: {error}", R::method()))
        })
    }

    pub(super) fn call<R: Rpc>(&mut self, request: &R) -> Result<R::Response, RpcStatus> {
        let body = request.encode_to_vec().into();
        let call = Call {
            service: SERVICE.to_owned(),
            method: R::method().to_owned(),
            timeout: None,
            body,
        };
        let mut answer = self.engine.as_ref().unwrap().send(call);
        self.engine.as_mut().unwrap().turn(false);
        let answer = answer.take().unwrap_or_else(|| Err(RpcStatus::closed()));
        answer.map(|body| R::Response::decode(body).unwrap())
    }

    pub(crate) fn flying(&self, method: &str) -> usize {
        self.flights.iter().filter(|flight| flight.method == method).count()
    }

    /// Callers are gone, and don't hear what becomes of their calls.
    pub(crate) fn hang_up(&mut self, those: impl Fn(&Purpose) -> bool) {
        self.flights.retain(|flight| !those(&flight.purpose));
    }

    /// A worker in this process has ended, and whoever ran it says so.
    pub(crate) fn worker_gone(&self, worker: &str) {
        self.engine.as_ref().unwrap().worker_gone(worker);
    }

    fn drop_call(&mut self) {
        if let Some(index) = self.rng.index(self.flights.len()) {
            self.flights.swap_remove(index);
        }
    }

    /// Take the answers that are there; a few callers are gone by now.
    pub(super) fn collect(&mut self) -> Checked {
        let mut index = 0;
        while index < self.flights.len() {
            if !self.ending && self.rng.percent(2) {
                self.sent += 1;
                self.flights.swap_remove(index);
                continue;
            }
            let Some(result) = self.flights[index].answer.take() else {
                index += 1;
                continue;
            };
            let flight = self.flights.swap_remove(index);
            let code = result.as_ref().map_or_else(|error| error.code.number(), |_| 0);
            if self.traced {
                eprintln!(
                    "{}: {} {:?}",
                    self.summary.steps,
                    flight.method,
                    result.as_ref().map(bytes::Bytes::len)
                );
            }
            let outcome =
                result.as_ref().map_or_else(|error| format!("{:?}", error.code), |_| "OK".into());
            self.summary.see(format!("{} {outcome}", flight.method));
            self.summary.digest = digest(self.summary.digest, flight.method.as_bytes());
            self.summary.digest = digest(self.summary.digest, &code.to_be_bytes());
            self.answered(flight, result)?;
        }
        Ok(())
    }

    fn answered(&mut self, flight: Flight, result: Result<bytes::Bytes, RpcStatus>) -> Checked {
        let internal = result.as_ref().err().filter(|error| {
            use hourglass_engine::Code::{DataLoss, Internal, Unimplemented, Unknown};
            matches!(error.code, DataLoss | Internal | Unimplemented | Unknown)
        });
        if let Some(error) = internal {
            return Err(Violation::new(
                "no call finds damage",
                format!("{}: {error}", flight.method),
            ));
        }
        match flight.purpose {
            Purpose::Client(purpose) => {
                let uncertain =
                    self.engine.is_some() && result.as_ref().is_err_and(clients::is_uncertain);
                if uncertain && clients::repeats(&purpose) && self.rng.percent(70) {
                    self.send_encoded(flight.method, flight.body, Purpose::Client(purpose));
                    return Ok(());
                }
                clients::answered(self, purpose, result)
            }
            Purpose::Worker(purpose) => workers::answered(self, purpose, result),
        }
    }

    /// A caller was told something.
    pub(crate) fn note(&mut self, run_id: &str, fact: super::ledger::Fact) {
        self.ledger.note(run_id, fact, self.faults.commits());
    }

    // --- the engine -------------------------------------------------------------------------

    pub(super) fn open(&mut self) -> Checked {
        let options = || EngineOptions {
            path: Some(self.disk.path().to_owned()),
            synchronous: Synchronous::Normal,
            clock: Arc::<VirtualClock>::clone(&self.clock),
            entropy: Arc::<SeededEntropy>::clone(&self.entropy),
            ..EngineOptions::default()
        };
        if self.rng.percent(20) {
            self.faults.fail(Step::Read, self.rng.between(1, 5), Fault::Io);
        }
        let engine = ManualEngine::open(options(), &self.faults).or_else(|_| {
            self.faults.heal();
            ManualEngine::open(options(), &self.faults)
        });
        let engine = engine
            .map_err(|error| Violation::new("every database can be opened", error.to_string()))?;
        self.engine = Some(engine);
        self.disk.attach();
        self.marks.clear();
        self.marks.push((self.faults.commits(), self.disk.log_length()));
        self.check_from_the_start()
    }

    /// Turn the engine until it rests, and check everything.
    pub(crate) fn settle(&mut self) -> Checked {
        for _ in 0..TURNS {
            let (before, sent) = (self.disk.log_length(), self.sent);
            self.summary.turns += 1;
            let Some(engine) = self.engine.as_mut() else { return Ok(()) };
            let handled = engine.turn(self.rng.percent(50));
            let uncommitted = engine.is_uncommitted();
            let rests = !uncommitted && handled == 0 && engine.patience() != Some(Duration::ZERO);
            self.collect()?;
            if self.faults.crashed() {
                let end = self.disk.log_length();
                let cut = self.rng.between(before, end);
                self.lose(cut)?;
                continue;
            }
            if !self.is_calm && !self.ending && self.rng.below(400) == 0 {
                self.lose(self.disk.log_length())?; // between two turns
                continue;
            }
            if uncommitted && !self.ending {
                match self.rng.below(100) {
                    0..60 => workers::act(self),
                    60..63 if !self.is_calm => self.lose(self.disk.log_length())?,
                    _ => {}
                }
            }
            if rests && self.sent == sent {
                self.marks.push((self.faults.commits(), self.disk.log_length()));
                return self.check();
            }
        }
        Err(Violation::new("the engine comes to rest", ""))
    }
}
