#!/usr/bin/env python3
"""Completes a bill of materials: what a tree holds beside the Go modules.

What: takes the CycloneDX file that cyclonedx-gomod makes of a program and adds what is in
the tree: TensorFlow, CUDA's libraries, the decoders in C, the page's npm packages, the
models with their weights, and Debian packages (of an image). The file is the same bytes
for the same inputs: its time is SOURCE_DATE_EPOCH, its serial number made from its content.

How to run: scripts/release/sbom.py GO.cdx.json OUT.cdx.json --name NAME --version VERSION
[--tree USR] [--debian PACKAGE...]; scripts/release/release.sh does.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import third_party  # noqa: E402

MODEL_LICENCES = {
    "general": "Apache-2.0 AND CC-BY-4.0 AND CC-BY-SA-4.0",
    "omniglot": "Apache-2.0 AND CC-BY-4.0 AND MIT",
}
# Folders below lib/siamese/nvidia and the wheels that they come from.
NVIDIA = {"cublas": "nvidia-cublas-cu12", "cuda_nvrtc": "nvidia-cuda-nvrtc-cu12",
          "cuda_runtime": "nvidia-cuda-runtime-cu12", "cudnn": "nvidia-cudnn-cu12"}
# Go modules whose licence cyclonedx-gomod does not find.
UNDETECTED = {"std": "BSD-3-Clause", "github.com/galeone/tensorflow/tensorflow/go": "Apache-2.0"}
# SPDX has other names for some of what THIRD-PARTY.txt says.
SPDX = {"LGPL-3.0": "LGPL-3.0-only", "public domain": None}


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def licence(name):
    """Returns a component's licences; an expression where SPDX has the words, else a name."""
    spdx = SPDX.get(name, name)
    return [{"expression": spdx}] if spdx else [{"license": {"name": name}}]


def component(name, version, licences, purl, kind="library", files=(), **more):
    """Returns a component. files are hashed below it, by their name in the tree."""
    made = {"bom-ref": purl, "type": kind, "name": name, "version": version, "licenses": licences, "purl": purl, **more}
    if files:
        made["components"] = [
            {"bom-ref": f"{purl}#{shown}", "type": "file", "name": shown, "hashes": [{"alg": "SHA-256", "content": sha256(path)}]}
            for shown, path in files
        ]
    return made


def below(tree, folder):
    return [(str(path.relative_to(tree)), path) for path in sorted((tree / folder).rglob("*")) if path.is_file()]


def setup_pin(package):
    """Returns the version that scripts/setup.sh pins, of TensorFlow."""
    found = re.search(r"^version=([\d.]+)$", (ROOT / "scripts/setup.sh").read_text(), re.MULTILINE)
    if not found:
        sys.exit(f"sbom: scripts/setup.sh does not say which version of {package} it takes")
    return found[1]


def tensorflow(tree):
    cuda = (tree / "lib/siamese/nvidia").is_dir()
    package = "tensorflow" if cuda else "tensorflow-cpu"
    version = setup_pin(package)
    yield component("tensorflow", version, licence("Apache-2.0"), f"pkg:pypi/{package}@{version}",
                    files=below(tree, "lib/siamese/tensorflow"))


def nvidia(tree):
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "scripts/requirements-cuda.txt").read_text(), re.MULTILINE))
    for folder, package in NVIDIA.items():
        files = below(tree, f"lib/siamese/nvidia/{folder}")
        if files:
            yield component(package, pins[package], [{"license": {"name": "NVIDIA Software License Agreement"}}],
                            f"pkg:pypi/{package}@{pins[package]}", files=files)


def decoders():
    """Yields what is compiled to WebAssembly, from the lists of THIRD-PARTY.txt."""
    for name, version, licences, _ in [*third_party.sandboxed(), *third_party.DECODERS]:
        plain = re.split(r" \(|, ", name)[0]
        if plain == "wasi-libc":  # in both lists
            continue
        purl = "pkg:generic/" + plain.lower().replace(" ", "-").replace("+", "%2B") + (f"@{version}" if version else "")
        yield component(plain, version, licence(licences), purl, description=name)


def page():
    lock = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    for path, package in sorted(lock.items()):
        if path and not package.get("dev"):
            name = path.removeprefix("node_modules/")
            yield component(name, package["version"], [{"expression": package["license"].strip("()")}],
                            f"pkg:npm/{name.replace('@', '%40')}@{package['version']}")


def models(version):
    for path in sorted((ROOT / "tfmodel/builtin").glob("*.safetensors")):
        yield component(path.stem, version, licence(MODEL_LICENCES[path.stem]), f"pkg:generic/siamese-model-{path.stem}@{version}",
                        kind="machine-learning-model", hashes=[{"alg": "SHA-256", "content": sha256(path)}],
                        description="weights within the program")


def debian(packages):
    for package in sorted(packages):
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], check=True, capture_output=True, text=True).stdout
        yield component(package, version, [{"license": {"name": f"usr/share/doc/{package}/copyright"}}],
                        f"pkg:deb/debian/{package}@{version}?arch=amd64".replace("+", "%2B"))


def tidy(bom, name, version):
    """Puts the program's own version in, and takes out what the building machine said."""
    root = bom["metadata"]["component"]
    root.update(name=name, version=version, licenses=licence("Apache-2.0"))
    bom["metadata"]["timestamp"] = datetime.datetime.fromtimestamp(
        int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    # The tool was built here: its hashes are this machine's.
    for tool in bom["metadata"]["tools"]:
        tool.pop("hashes", None)
    for module in bom["components"]:
        if "licenses" not in module:
            if module["name"] not in UNDETECTED:
                sys.exit(f"sbom: the licence of {module['name']} is not known: name it in scripts/release/sbom.py")
            module["licenses"] = licence(UNDETECTED[module["name"]])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("base")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--tree", type=pathlib.Path)
    parser.add_argument("--debian", nargs="*", default=[])
    given = parser.parse_args()
    bom = json.loads(pathlib.Path(given.base).read_text())
    added = list(debian(given.debian))
    if given.tree:
        added += [*tensorflow(given.tree), *nvidia(given.tree), *decoders(), *page(), *models(given.version)]
    tidy(bom, given.name, given.version)
    bom["components"] = bom.get("components", []) + added
    root = bom["metadata"]["component"]["bom-ref"]
    direct = next(entry for entry in bom["dependencies"] if entry["ref"] == root)
    direct["dependsOn"] = sorted({*direct.get("dependsOn", []), *(one["bom-ref"] for one in added)})
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bom, sort_keys=True)).urn
    given.out.write_text(json.dumps(bom, indent=2, sort_keys=True) + "\n")


main()
