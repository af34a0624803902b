//! What goes wrong: time jumps, the store fails, the machine stops, its disk lies.

use std::time::Duration;

use hourglass_engine::simulation::{Fault, ManualEngine, Step};

use super::world::{Checked, World};

impl World {
    pub(super) fn let_time_pass(&mut self) {
        let next = self.engine.as_ref().and_then(ManualEngine::patience);
        let by = match next {
            // In the end often fast enough for what a clock that was set back keeps waiting.
            Some(next) if self.ending && self.rng.percent(50) => next.max(Duration::from_mins(1)),
            Some(next) if self.ending => next.max(Duration::from_millis(self.rng.below(5000))),
            Some(next) if self.rng.percent(40) => next,
            _ if self.rng.percent(20) => Duration::from_millis(self.rng.between(1, 60_000)),
            _ => Duration::from_millis(self.rng.between(1, 1500)),
        };
        self.clock.advance(by);
        if self.rng.percent(40) && !self.is_calm {
            self.faults.heal();
        }
    }

    pub(super) fn set_clock(&mut self) {
        let by = if self.rng.percent(50) { 3600 } else { -3600 };
        self.clock.set_by(by);
    }

    pub(super) fn plan_failure(&mut self) {
        self.summary.failures += 1;
        let fault = *self.rng.pick(&[Fault::Io, Fault::Full, Fault::ReadOnly]).unwrap();
        let step = *self.rng.pick(&[Step::Read, Step::Write, Step::Commit, Step::Commit]).unwrap();
        let nth = self.rng.between(1, if step == Step::Commit { 3 } else { 30 });
        match self.rng.below(10) {
            0..4 => self.faults.fail(step, nth, fault),
            4..6 => self.faults.crash(step, nth),
            6 => self.faults.break_down(fault),
            _ => self.faults.heal(),
        }
    }

    /// The machine stops while nothing is being written. Sometimes its disk has lied for a while.
    pub(super) fn crash(&mut self) -> Checked {
        if !self.rng.percent(25) {
            return self.lose(self.disk.log_length());
        }
        let (commits, length) = *self.rng.pick(&self.marks).unwrap();
        self.ledger.forgive(commits);
        self.workers.forget_deliveries();
        (self.rows, self.audits) = Default::default();
        self.lose(length)
    }

    /// What is on the disk beyond that length of the log is lost, and so is everything in memory.
    pub(super) fn lose(&mut self, length: u64) -> Checked {
        self.summary.crashes += 1;
        if self.traced {
            eprintln!("{}: crash, the log is cut at {length}", self.summary.steps);
        }
        let torn = self.rng.below(5000);
        let image = self.disk.image();
        self.disk.detach();
        self.engine = None;
        self.disk.restore(image, length, torn);
        self.start_again()
    }

    pub(super) fn close_and_open(&mut self) -> Checked {
        self.faults.heal();
        self.disk.detach();
        if let Some(engine) = self.engine.take() {
            engine.close();
        }
        self.collect()?;
        self.start_again()
    }

    pub(super) fn start_again(&mut self) -> Checked {
        self.hang_up(|_| true);
        self.workers.forget_gone();
        self.faults.heal();
        self.clock.advance(Duration::from_millis(self.rng.below(120_000)));
        self.open()
    }
}
