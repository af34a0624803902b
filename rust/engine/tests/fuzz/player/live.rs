//! What an input has to work with: runs, tasks and tokens that the engine has given out.

use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_protos::temporal::api::workflowservice::v1::*;

use super::source::Source;
use super::wire;

/// Strings that are remembered.
const POOL: usize = 300;

#[derive(Default)]
pub(crate) struct Live {
    pub(crate) runs: Vec<WorkflowExecution>,
    pub(crate) tasks: Vec<PollWorkflowTaskQueueResponse>,
    pub(crate) activities: Vec<PollActivityTaskQueueResponse>,
    /// Whatever else the engine has said: ids, names, tokens.
    pub(crate) pool: Vec<Vec<u8>>,
    newest: usize,
}

impl Live {
    /// Learn from a response.
    pub(crate) fn learn(&mut self, method: &str, response: &[u8]) {
        match method {
            "PollWorkflowTaskQueue" => {
                let task = PollWorkflowTaskQueueResponse::decode(response).unwrap();
                self.runs.extend(task.workflow_execution.clone());
                if !task.task_token.is_empty() {
                    self.tasks.push(task);
                }
            }
            "PollActivityTaskQueue" => {
                let task = PollActivityTaskQueueResponse::decode(response).unwrap();
                if !task.task_token.is_empty() {
                    self.activities.push(task);
                }
            }
            _ => {}
        }
        let fields = wire::parse(response).expect("a response is a message");
        let mut strings = Vec::new();
        wire::strings(&fields, &mut strings);
        for string in strings.into_iter().filter(|string| (1..400).contains(&string.len())) {
            self.remember(string);
        }
    }

    pub(crate) fn remember(&mut self, string: Vec<u8>) {
        if self.pool.contains(&string) {
            return;
        }
        if self.pool.len() < POOL {
            self.pool.push(string);
        } else {
            self.newest = (self.newest + 1) % POOL;
            self.pool[self.newest] = string;
        }
    }

    /// A run, mostly one that there is; often its workflow's current one.
    pub(crate) fn run(&self, source: &mut Source) -> WorkflowExecution {
        let mut run = source.pick(&self.runs).cloned().unwrap_or_default();
        if source.one_in(2) {
            run.run_id.clear();
        }
        run
    }

    /// A workflow task: mostly the newest, which nobody has answered yet.
    pub(crate) fn task(&mut self, source: &mut Source) -> PollWorkflowTaskQueueResponse {
        pick(&mut self.tasks, source)
    }

    pub(crate) fn activity(&mut self, source: &mut Source) -> PollActivityTaskQueueResponse {
        pick(&mut self.activities, source)
    }
}

fn pick<T: Clone + Default>(tasks: &mut Vec<T>, source: &mut Source) -> T {
    if source.below(8) > 0 {
        return tasks.pop().unwrap_or_default();
    }
    source.pick(tasks).cloned().unwrap_or_default()
}
