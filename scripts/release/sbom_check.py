#!/usr/bin/env python3
"""Checks a bill of materials against the tree that it is of, and, where PyPI's
cyclonedx-python-lib[json-validation] is installed, against CycloneDX's schema.

How to run: scripts/release/sbom_check.py FILE.cdx.json USR; scripts/release/check.sh does.
"""

import hashlib
import json
import pathlib
import sys


def check_schema(text):
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
        import jsonschema  # noqa: F401, which the validator does without until it is called
    except ImportError:
        print("sbom_check: not held against CycloneDX's schema: its validator is missing: "
              "pip install 'cyclonedx-python-lib[json-validation]==11.12.0'", file=sys.stderr)
        return
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"sbom_check: not of CycloneDX's schema: {error}")


def main():
    text = pathlib.Path(sys.argv[1]).read_text()
    check_schema(text)
    bom = json.loads(text)
    tree = pathlib.Path(sys.argv[2])
    if (bom["bomFormat"], bom["specVersion"]) != ("CycloneDX", "1.6"):
        sys.exit(f"sbom_check: {bom['bomFormat']} {bom['specVersion']}, expected CycloneDX 1.6")
    unlicensed = [one["name"] for one in bom["components"] if not one.get("licenses")]
    if unlicensed:
        sys.exit(f"sbom_check: without a licence: {', '.join(unlicensed)}")
    references = [one["bom-ref"] for one in bom["components"]]
    if len(set(references)) != len(references):
        sys.exit("sbom_check: a reference is there twice")
    named = {file["name"]: file["hashes"][0]["content"] for one in bom["components"] for file in one.get("components", [])}
    for path in sorted((tree / "lib/siamese").rglob("*.so*")):
        # The empty libraries in CUDA's place are this project's own.
        if path.stat().st_size < 20_000:
            continue
        name = str(path.relative_to(tree))
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if named.get(name) != found:
            sys.exit(f"sbom_check: {name} has the hash {found}, the bill says {named.get(name)}")


main()
