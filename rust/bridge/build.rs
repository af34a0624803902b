//! Puts the descriptors of Temporal's protobuf messages where `message.rs` includes them.
use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH");
    let source = env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?;
    let target = Path::new(&env::var("OUT_DIR")?).join("descriptors.bin");
    fs::copy(source, target)?;
    Ok(())
}
