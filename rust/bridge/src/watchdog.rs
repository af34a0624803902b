//! `Watch`: notices when an evaluator does not come back from workflow code.
//!
//! **What is measured.** The CPU time of the evaluator's thread within one activation, not the time
//! on the wall: when a pod comes back and replays a thousand runs on a machine that has no core to
//! spare, each activation takes long on the wall and costs what it always costs. Code that hangs
//! without using the CPU (`time.sleep`, a lock, a socket) would never use up such a budget, so
//! standing still counts too, and as much of it: well before the ten seconds are over after which
//! the service gives the task to another worker and takes no reason from this one any more.
//!
//! **When standing still counts.** A thread that waits for the GIL, or for a core, stands still
//! through no fault of the workflow. Both look the same from outside, and both can be told by asking
//! another Python thread to answer: a *question* goes to the Python watchdog, which waits in
//! [`Watch::wait`] and has to take the GIL to answer. A tick in which the question was answered and
//! the evaluator used less than a fiftieth of a core counts as standing still. (Where fifty threads
//! share the GIL, so that a fair share is that small, an answer takes longer than a tick.)
//!
//! **Who reports.** No native thread ever enters Python. The thread of a `Watch` only measures; what
//! it finds it gives to the Python watchdog, which takes the stack, fails the task, and has a new
//! evaluator take over. If the question stays unanswered, Python itself stands still: somebody holds
//! the GIL and does not let go, and no Python code can say so. Then this thread says it, on the
//! standard error, as soon as the budget is over and again each time the time has doubled; the
//! Python watchdog logs it once more when it can. While no activation runs the question is asked
//! once a second, so that a GIL held by an activity is noticed too.
//!
//! **Who wins.** `turn` is even between activations and odd within one. The evaluator ends its turn
//! by counting on, the watchdog takes the turn away by putting `GIVEN_UP` in its place: one atomic
//! exchange decides whether the evaluator's answer counts or the watchdog's. Beginning and ending are
//! two stores and an exchange, without a lock and without a system call; where the CPU time stood at
//! the beginning is what the first tick finds, which errs by one tick, in favour of the code.
//!
//! Time is counted in ticks, not read from a clock: a process that was stopped, or a laptop that
//! slept, has not been standing still.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use pyo3::prelude::*;

use crate::{
    cpu_clock::CpuClock,
    error::{Failure, Outcome},
    handle::check_pid,
    sync::{Condvar, Mutex},
};

const TICK: Duration = Duration::from_millis(100);
/// Less CPU than this in a tick is standing still.
const STILL: Duration = Duration::from_millis(2);
/// Between activations a question is asked every so many ticks.
const IDLE_TICKS: u32 = 10;
/// The time that Python may stand still while no activation with a budget runs.
const IDLE_BUDGET: Duration = Duration::from_secs(10);
/// The longest wait for a wake: a lost one costs this much.
const SLICE: Duration = Duration::from_mins(1);
/// The turn of an evaluator that was given up. Odd: it is never done.
const GIVEN_UP: u64 = u64::MAX;

/// The finding of the native side.
#[pyclass(frozen, get_all, module = "hourglass._bridge")]
pub(crate) struct Overrun {
    kind: &'static str,
    turn: u64,
    cpu: f64,
    wall: f64,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// A question waits for its answer.
    asked: bool,
    found: Option<Overrun>,
    /// The time that Python stood still, once that was reported.
    stuck: Option<Duration>,
}

struct Shared {
    pid: u32,
    thread: String,
    clock: CpuClock,
    turn: AtomicU64,
    /// The budget of the turn in microseconds; 0: none.
    budget: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Let a tick pass; whether the question, if there was one, is answered. `None` at the end.
    fn pass_tick(&self) -> Option<bool> {
        let mut left = TICK;
        let mut state = self.state.lock();
        let end = std::time::Instant::now() + TICK;
        while !state.closed && !left.is_zero() {
            state = self.changed.wait_for(state, left);
            left = end.saturating_duration_since(std::time::Instant::now());
        }
        (!state.closed).then_some(!state.asked)
    }

    /// Tell the Python watchdog something, or only ask whether it can answer.
    fn tell(&self, found: Option<Overrun>) {
        let mut state = self.state.lock();
        state.asked = true;
        if found.is_some() {
            state.found = found;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Block until there is something to answer.
    fn await_question(&self) {
        let mut state = self.state.lock();
        while !(state.closed || state.asked) {
            state = self.changed.wait_for(state, SLICE);
        }
    }

    /// Answer, which proves that Python runs, and take what was found. `None`: nothing was.
    fn answer(&self) -> Option<Overrun> {
        let mut state = self.state.lock();
        state.asked = false;
        if let Some(time) = state.stuck.take() {
            let wall = time.as_secs_f64();
            return Some(Overrun { kind: "gil", turn: 0, cpu: 0.0, wall });
        }
        state.found.take()
    }
}

/// The observations of a watch's thread on the turn that runs.
#[derive(Default)]
struct Seen {
    turn: u64,
    ticks: u32,
    began: Duration,
    last: Duration,
    /// CPU time at which the next report is due.
    due: Duration,
    still: u32,
    idle: u32,
    /// Ticks without an answer, and how many of them were reported.
    unanswered: u32,
    reported: u32,
    /// The CPU time when the unanswered question was asked.
    asked_at: Duration,
}

impl Seen {
    fn tick(&mut self, watch: &Shared, answered: bool) {
        let turn = watch.turn.load(Ordering::Acquire);
        let budget = Duration::from_micros(watch.budget.load(Ordering::Relaxed));
        let watched = turn % 2 == 1 && !budget.is_zero();
        self.follow_python(watch, answered, if watched { budget } else { IDLE_BUDGET });
        if !watched || turn != self.turn {
            self.begin(turn, budget, watch);
            return;
        }
        let Some(now) = watch.clock.read() else {
            return;
        };
        self.ticks += 1;
        if answered && now.saturating_sub(self.last) < STILL {
            self.still += 1;
        }
        self.last = now;
        watch.tell(self.judge(now, budget));
    }

    fn begin(&mut self, turn: u64, budget: Duration, watch: &Shared) {
        self.turn = turn;
        self.ticks = 0;
        self.still = 0;
        self.began = watch.clock.read().unwrap_or_default();
        self.last = self.began;
        self.due = self.began + budget;
        self.idle += 1;
        if self.idle >= IDLE_TICKS {
            self.idle = 0;
            watch.tell(None);
        }
    }

    fn judge(&mut self, now: Duration, budget: Duration) -> Option<Overrun> {
        let kind = if now >= self.due {
            "busy"
        } else if TICK * self.still >= budget {
            "blocked"
        } else {
            return None;
        };
        // If the watchdog leaves it at that, it hears of it again when as much is used once more.
        self.due = now + budget;
        self.still = 0;
        Some(Overrun {
            kind,
            turn: self.turn,
            cpu: now.saturating_sub(self.began).as_secs_f64(),
            wall: (TICK * self.ticks).as_secs_f64(),
        })
    }

    /// Keep count of how long Python does not answer; say it if it is too long.
    fn follow_python(&mut self, watch: &Shared, answered: bool, budget: Duration) {
        if answered {
            self.unanswered = 0;
            self.reported = 0;
            return;
        }
        let now = watch.clock.read().unwrap_or_default();
        if self.unanswered == 0 {
            self.asked_at = now;
        }
        self.unanswered += 1;
        let time = TICK * self.unanswered;
        if time >= budget && self.unanswered >= 2 * self.reported {
            self.reported = self.unanswered;
            self.report(watch, time, now.saturating_sub(self.asked_at));
        }
        if self.reported > 0 {
            watch.state.lock().stuck = Some(time);
        }
    }

    /// On the standard error: a log that Python has to take would wait for what is wrong here.
    fn report(&self, watch: &Shared, time: Duration, cpu: Duration) {
        let doing = if self.turn % 2 == 1 { "is at a workflow task" } else { "has no task" };
        // One that waits for the GIL uses next to none; one that has it shares the machine.
        let holder = if cpu * 10 > time {
            "it holds the GIL itself, in a call into native code"
        } else {
            "another thread holds the GIL"
        };
        let text = format!(
            "hourglass: Python stands still: nobody else could take the GIL for {:.1} s. Thread {} \
             {doing} and used {:.1} s of CPU meanwhile: {holder}.\n",
            time.as_secs_f64(),
            watch.thread,
            cpu.as_secs_f64(),
        );
        tracing::error!(target: "hourglass_bridge", "{}", text.trim_end());
        // Without a standard error there is nobody to tell that either.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

fn serve(watch: &Shared) {
    let mut seen = Seen::default();
    while let Some(answered) = watch.pass_tick() {
        seen.tick(watch, answered);
    }
}

/// Watches the thread that makes it.
#[pyclass(frozen, module = "hourglass._bridge")]
pub(crate) struct Watch(Arc<Shared>);

impl Drop for Watch {
    fn drop(&mut self) {
        // A forked child has no such thread, and may have inherited a lock that is held.
        if self.0.pid == std::process::id() {
            self.0.close();
        }
    }
}

fn start(thread: String) -> Outcome<Watch> {
    let clock = CpuClock::of_this_thread()
        .ok_or_else(|| Failure::internal("the system does not tell a thread's CPU time"))?;
    let shared = Arc::new(Shared {
        pid: std::process::id(),
        thread,
        clock,
        turn: AtomicU64::new(0),
        budget: AtomicU64::new(0),
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    let watched = Arc::clone(&shared);
    thread::Builder::new()
        .name("hourglass-watch".to_owned())
        .spawn(move || serve(&watched))
        .map_err(|error| Failure::internal(format!("no thread for the watchdog: {error}")))?;
    Ok(Watch(shared))
}

#[pymethods]
impl Watch {
    #[new]
    fn new(thread: String) -> PyResult<Self> {
        Ok(start(thread)?)
    }

    /// Only the watched thread calls this: nobody else makes an even turn odd.
    fn begin(&self, budget: u64) {
        let turn = self.0.turn.load(Ordering::Relaxed);
        if turn.is_multiple_of(2) {
            self.0.budget.store(budget, Ordering::Relaxed);
            self.0.turn.store(turn + 1, Ordering::Release);
        }
    }

    fn end(&self) -> bool {
        let turn = self.0.turn.load(Ordering::Relaxed);
        turn.is_multiple_of(2)
            || turn != GIVEN_UP
                && self
                    .0
                    .turn
                    .compare_exchange(turn, turn + 1, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
    }

    fn wait(&self, py: Python<'_>) -> PyResult<Option<Overrun>> {
        check_pid(self.0.pid, "Watch")?;
        loop {
            if let Some(found) = self.0.answer() {
                return Ok(Some(found));
            }
            if self.0.state.lock().closed {
                return Ok(None);
            }
            py.detach(|| self.0.await_question());
        }
    }

    fn give_up(&self, overrun: &Overrun) -> bool {
        let taken = overrun.turn % 2 == 1
            && self
                .0
                .turn
                .compare_exchange(overrun.turn, GIVEN_UP, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if taken {
            self.0.close();
        }
        taken
    }

    fn close(&self) -> PyResult<()> {
        check_pid(self.0.pid, "Watch")?;
        self.0.close();
        Ok(())
    }
}
