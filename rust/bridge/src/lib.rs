//! Hourglass bridge.
