//! Puts the descriptors of Temporal's protobuf messages where `message` includes them, and writes
//! the table of RPCs that `client/rpc_table.rs` includes: one line for each method of a service.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use prost_types::{FileDescriptorSet, ServiceDescriptorProto};

/// The services that can be called by name, with the accessor of `temporalio_client::Connection`.
const SERVICES: [(&str, &str, &str); 4] = [
    (
        "temporal.api.workflowservice.v1",
        "WorkflowService",
        "workflow_service",
    ),
    (
        "temporal.api.operatorservice.v1",
        "OperatorService",
        "operator_service",
    ),
    ("temporal.api.testservice.v1", "TestService", "test_service"),
    ("grpc.health.v1", "Health", "health_service"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = fs::read(env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH")?)?;
    fs::write(out.join("descriptors.bin"), &descriptors)?;
    let files = FileDescriptorSet::decode(descriptors.as_slice())?;
    write_table(&files, &out)
}

fn write_table(files: &FileDescriptorSet, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut table = String::from("rpc_table! {\n");
    for (package, name, accessor) in SERVICES {
        let service = find(files, package, name)
            .ok_or_else(|| format!("the descriptors have no {package}.{name}"))?;
        writeln!(table, "    \"{package}.{name}\" => {accessor} {{")?;
        for method in &service.method {
            if method.server_streaming() || method.client_streaming() {
                continue;
            }
            writeln!(table, "        \"{}\" => {},", method.name(), snake(method.name()))?;
        }
        table.push_str("    }\n");
    }
    table.push_str("}\n");
    fs::write(out.join("rpc_table.rs"), table)?;
    Ok(())
}

fn find<'a>(
    files: &'a FileDescriptorSet,
    package: &str,
    name: &str,
) -> Option<&'a ServiceDescriptorProto> {
    files
        .file
        .iter()
        .filter(|file| file.package() == package)
        .flat_map(|file| &file.service)
        .find(|service| service.name() == name)
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
