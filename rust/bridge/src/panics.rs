//! Panics stay inside: they become errors of kind `internal` that say where, and nothing is printed.

use std::{any::Any, cell::RefCell, panic, sync::Once};

use crate::error::{Failure, Outcome};

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remember where panics happen instead of printing them. The hook is this library's own: a shared
/// library has its own copy of the standard library.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let place = info.location().map_or_else(
                || "an unknown place".to_owned(),
                |at| format!("{}:{}", at.file(), at.line()),
            );
            let text = format!("{} (at {place})", describe(info.payload()));
            tracing::error!(target: "hourglass_bridge", "panic: {text}");
            LAST.with_borrow_mut(|last| *last = Some(text));
        }));
    });
}

fn describe(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// The error for a panic that was caught on this thread just now.
pub(crate) fn failure(payload: &(dyn Any + Send)) -> Failure {
    let text = LAST.with_borrow_mut(Option::take).unwrap_or_else(|| describe(payload));
    Failure::internal(format!("panic in native code: {text}"))
}

/// Run something of core's or the engine's that must not unwind into Python.
pub(crate) fn contain<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    panic::catch_unwind(panic::AssertUnwindSafe(work))
        .unwrap_or_else(|payload| Err(failure(&*payload)))
}
