//! Activities: the task that core delivers and the answer to it.

mod completion;
mod task;

pub(crate) use self::{completion::ActivityCompletion, task::ActivityTask};
