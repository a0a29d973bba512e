//! README.md shows the examples as they are.

#![allow(missing_docs, clippy::unwrap_used)] // a test that panics has failed

#[test]
fn readme_shows_the_examples() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    for name in ["compare", "batch", "stream", "gallery"] {
        let path = format!("{root}/../../examples/rust/src/bin/{name}.rs");
        let source = std::fs::read_to_string(path).unwrap();
        assert!(
            readme.contains(&format!("```rust\n{source}```\n")),
            "README.md does not show examples/rust/src/bin/{name}.rs as it is"
        );
    }
}
