//! Puts the descriptors of Temporal's protobuf messages where `message` includes them.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH");
    let out = env::var("OUT_DIR")?;
    fs::copy(
        env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?,
        Path::new(&out).join("descriptors.bin"),
    )?;
    Ok(())
}
