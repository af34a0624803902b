//! Texts for callers and the log of a store that fails.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use super::StoreError;
use crate::{Code, RpcStatus};

/// Texts about damage that are remembered, so that each is logged once.
const REMEMBERED: usize = 1_000;

impl StoreError {
    /// The answer to a call that the store failed: which database, why, and what to do about it.
    pub(crate) fn status(&self, path: Option<&Path>) -> RpcStatus {
        let (code, what) = match self {
            Self::Full(detail) => (
                Code::ResourceExhausted,
                format!(
                    "can't be written: the disk or the quota is full ({detail}); free some space, \
                     and work goes on by itself"
                ),
            ),
            Self::ReadOnly(detail) => (
                Code::Unavailable,
                format!(
                    "can't be written ({detail}); check the permissions of the file and of its \
                     directory, and work goes on by itself"
                ),
            ),
            Self::Io(detail) => (
                Code::Unavailable,
                format!(
                    "can't be read or written ({detail}); look after the disk, and work goes on by \
                     itself"
                ),
            ),
            Self::Damaged(detail) => (
                Code::DataLoss,
                format!("is damaged ({detail}); stop the program and restore a backup"),
            ),
            Self::Lost(detail) => (
                Code::FailedPrecondition,
                format!(
                    "is lost: {detail}. Nothing that this program did since is kept; put the file \
                     back if you can, and start again"
                ),
            ),
        };
        let name = path.map_or_else(|| "in memory".into(), |path| path.display().to_string());
        RpcStatus::database(code, format!("the database {name} {what}"))
    }
}

/// The time in which transactions fail, one after the other.
#[derive(Default)]
pub(crate) struct Outage {
    /// When it began, and how many have failed since.
    under_way: Option<(Instant, u64)>,
    damage: HashSet<String>,
}

impl Outage {
    /// A transaction failed. Tells whether the one before had failed, too.
    pub(crate) fn goes_on(&mut self, status: &RpcStatus, wall: Instant) -> bool {
        let (_, failed) = self.under_way.get_or_insert((wall, 0));
        *failed += 1;
        if *failed == 1 {
            tracing::error!("{}", status.message);
        }
        *failed > 1
    }

    /// A transaction is on the disk.
    pub(crate) fn is_over(&mut self, path: Option<&Path>, wall: Instant) {
        let Some((began, failed)) = self.under_way.take() else { return };
        let seconds = wall.saturating_duration_since(began).as_secs_f64();
        let name = path.map_or_else(|| "in memory".into(), |path| path.display().to_string());
        tracing::warn!(
            "the database {name} can be written again, after {seconds:.1} seconds and {failed} \
             failed transactions"
        );
    }

    /// Something stored can't be read, which is of no concern to other runs.
    pub(crate) fn damaged(&mut self, status: &RpcStatus) {
        if self.damage.len() < REMEMBERED && self.damage.insert(status.message.clone()) {
            tracing::error!("{}", status.message);
        }
    }
}
