//! The end of a transaction: on the disk, or as if it had never been.

use crate::mutation::{Mutation, is_active};
use crate::state::reply::{Action, Responder};
use crate::state::retry_list::RetryList;
use crate::store::StoreError;
use crate::transaction::context::Context;

impl Context {
    /// Put the transaction on the disk and give what is to be done now.
    pub(crate) fn commit(&mut self) -> Result<Vec<Action>, StoreError> {
        if std::mem::take(&mut self.in_transaction) {
            let store = &mut self.store;
            self.precommit.time_commit(self.env.clock.as_ref(), || store.commit())?;
            self.outage.is_over(self.store.path(), self.env.clock.wall());
        }
        if !self.actions.is_empty() {
            self.store.verify()?;
        }
        self.precommit.forget();
        self.batch.clear();
        self.gone.clear();
        self.matching.forget_taken();
        self.added_namespaces.clear();
        self.changed_namespaces.clear();
        Ok(std::mem::take(&mut self.actions))
    }

    /// The transaction failed. Forget what it did, and give everybody who was to be answered, and what
    /// has to be done once the store works again.
    pub(crate) fn abort(&mut self) -> (Vec<Responder>, RetryList) {
        self.in_transaction = false;
        self.store.rollback();
        self.env.work.clear();
        self.env.effects.clear();
        self.env.task_timers.clear();
        for (key, record) in std::mem::take(&mut self.changed_namespaces).into_iter().rev() {
            self.env.namespaces.insert(record.name.clone(), (key, record));
        }
        for name in std::mem::take(&mut self.added_namespaces) {
            self.env.namespaces.remove(&name);
        }
        let mut keys = std::mem::take(&mut self.batch);
        keys.extend(self.touched.drain(..));
        // Before the runs are dropped: their leases say which workers are at a task that never was.
        self.withdraw(&keys);
        for key in &keys {
            let run = self.runs.remove(key);
            if is_active(Mutation::KeptLease) {
                self.keep_lease(*key, run);
            }
            self.count_in_flight(*key);
        }
        debug_assert!(self.touched.is_empty(), "nothing of the transaction is left");
        let actions = std::mem::take(&mut self.actions);
        let replies = actions.into_iter().filter_map(|action| match action {
            Action::Reply(responder, _) => Some(responder),
            _ => None,
        });
        let mut responders: Vec<_> = replies.chain(self.precommit.abort()).collect();
        for key in &keys {
            responders.extend(self.updates.forget(*key));
        }
        let (gone, queues) = (std::mem::take(&mut self.gone), self.matching.put_back());
        (responders, RetryList { runs: keys, queues, gone })
    }
}
