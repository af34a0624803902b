//! The log lines of core and the engine, kept until Python asks for it. Nothing is printed.

use std::{
    collections::{HashMap, VecDeque},
    fmt::Debug,
    sync::Arc,
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::sync::Mutex;

/// The newest lines are kept; what is dropped is counted.
const CAPACITY: usize = 2_048;

/// A line: level, target, message, fields.
pub(crate) type Line = (&'static str, String, String, HashMap<String, String>);

#[derive(Default)]
struct State {
    lines: VecDeque<Line>,
    dropped: u64,
}

/// The lines of one runtime.
#[derive(Default)]
pub(crate) struct LogRing(Mutex<State>);

impl LogRing {
    fn push(&self, line: Line) {
        let mut state = self.0.lock();
        if state.lines.len() == CAPACITY {
            state.lines.pop_front();
            state.dropped += 1;
        }
        state.lines.push_back(line);
    }

    pub(crate) fn take(&self) -> Vec<Line> {
        let mut state = self.0.lock();
        let dropped = std::mem::take(&mut state.dropped);
        let mut lines: Vec<_> = state.lines.drain(..).collect();
        drop(state);
        if dropped > 0 {
            let text = format!("{dropped} older log lines were dropped");
            let line = ("WARN", "hourglass_bridge".to_owned(), text, HashMap::new());
            lines.insert(0, line);
        }
        lines
    }
}

/// The subscriber of every thread of a runtime. Spans are refused: they would cost something on
/// every poll and say nothing that the fields of a line don't.
pub(crate) struct LogSubscriber(pub(crate) Arc<LogRing>);

fn wanted(metadata: &Metadata<'_>) -> bool {
    let most = if metadata.target().starts_with("hourglass") { Level::INFO } else { Level::WARN };
    metadata.is_event() && *metadata.level() <= most
}

impl Subscriber for LogSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.0.push((
            metadata.level().as_str(),
            metadata.target().to_owned(),
            fields.message,
            fields.rest,
        ));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: HashMap<String, String>,
}

impl Fields {
    fn put(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.rest.insert(field.name().to_owned(), text);
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}
