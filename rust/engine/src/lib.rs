//! Hourglass engine.
