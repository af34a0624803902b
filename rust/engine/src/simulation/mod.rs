//! Tools that break the engine, for tests: a store that fails when it is told to, and an engine without
//! a thread, turned by hand. Only with the feature `simulation`, which nothing but tests asks for.

mod faults;
mod faulty_store;
mod manual;

use crate::engine::open_store;
pub use crate::mutation::{Mutation, activate};
use crate::simulation::faulty_store::FaultyStore;
use crate::{Engine, EngineError, EngineOptions};
pub use faults::{Fault, Faults, Step};
pub use manual::{Answer, Lease, ManualEngine, Memory};

/// Open an engine whose store fails as `faults` says.
pub fn open(options: EngineOptions, faults: &Faults) -> Result<Engine, EngineError> {
    let (store, file) = open_store(&options)?;
    let store = FaultyStore::new(store, faults.clone());
    Engine::with_store(Box::new(store), file, options)
}
