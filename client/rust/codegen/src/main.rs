//! Makes `src/proto/siamese.v1.rs` from the contract, so that neither the crate nor
//! its users need protoc. Run it in the folder of the crate:
//!
//! ```sh
//! cargo run -p siamese-codegen
//! ```

use std::error::Error;
use std::path::Path;

/// Where the contract lies, seen from the crate.
const CONTRACT: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let contract = root.join(CONTRACT);
    let services =
        ["service", "gallery"].map(|name| contract.join(format!("siamese/v1/{name}.proto")));
    let files = protox::compile(services, [&contract])?;
    let out = root.join("src/proto");
    std::fs::create_dir_all(&out)?;
    tonic_prost_build::configure()
        .build_server(true)
        .btree_map(".")
        .server_mod_attribute("siamese.v1", "#[cfg(feature = \"server\")]")
        .out_dir(out)
        .compile_fds(files)?;
    Ok(())
}
