#!/usr/bin/env python3
"""Writes THIRD-PARTY.txt: the licences of what the programs and the page contain.

What: takes the modules that are linked into siamese, siamese-bench and siamese-webcam from
go-licenses, which classifies their licences, and adds Go's own, the page's packages and
TensorFlow. Texts that are the same stand once. A module whose licence go-licenses does not
know has to be named in KNOWN here; any other ends with an error.

How to run: make thirdparty, or with --check make checkthirdparty, which writes nothing and
fails where the file is out of date. Nothing is fetched.
"""

import collections
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WRITTEN = ROOT / "THIRD-PARTY.txt"
TEMPLATE = "{{range .}}{{.Name}}\t{{.Version}}\t{{.LicenseName}}\t{{.LicensePath}}\n{{end}}"

# Licences that go-licenses does not know, by module: name and file.
KNOWN = {
    "github.com/ajstarks/svgo": ("CC-BY-4.0", "LICENSE"),
    "github.com/golang/freetype": ("FTL", "licenses/ftl.txt"),
}
# Linked where the webcam client is built, with a tag that go-licenses can't load without
# OpenCV.
WEBCAM = {"gocv.io/x/gocv": ("Apache-2.0", "LICENSE.txt")}
# Compiled to WebAssembly and contained in the programs: what scripts/sandbox builds. A
# library under the LGPL is a module of its own there, which can be built anew and
# replaced.
DECODERS = [
    ("dav1d, as WebAssembly (imaging/sandbox/av1.wasm.gz)", "1.5.1", "BSD-2-Clause", "dav1d.txt"),
    ("libde265, as WebAssembly (imaging/sandbox/hevc.wasm.gz)", "1.0.15", "LGPL-3.0", "libde265.txt"),
    ("wasi-libc, in the decoders as WebAssembly", "", "MIT", "wasi-libc.txt"),
    ("libc++, in libde265 as WebAssembly", "", "Apache-2.0 WITH LLVM-exception", "libcxx.txt"),
]
# Permissive ones, those that need their notice only, and those that let a part be
# replaced.
ALLOWED = {"IJG", "libtiff", "Zlib", "LGPL-3.0", "Apache-2.0 WITH LLVM-exception", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "ISC", "Unlicense", "public domain", "CC-BY-4.0", "FTL"}


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def module_folder(module):
    return pathlib.Path(run("go", "list", "-m", "-f", "{{.Dir}}", module).strip())


def notices(folder):
    """Returns the texts of a folder's NOTICE files, which Apache-2.0 has passed on."""
    return [path.read_text(errors="replace") for path in sorted(folder.glob("NOTICE*")) if path.is_file()]


def go_modules():
    """Yields name, version, licence and texts of each module that go-licenses finds."""
    with tempfile.NamedTemporaryFile("w", suffix=".tpl") as template:
        template.write(TEMPLATE)
        template.flush()
        lines = run(".tools/bin/go-licenses", "report", "./cmd/siamese", "./cmd/siamese-bench", "./cmd/siamese-webcam",
                    "--ignore", "siamese", "--template", template.name).splitlines()
    for line in filter(None, lines):
        name, version, licence, path = line.split("\t")
        known = next((module for module in KNOWN if name.startswith(module)), None)
        if known:
            name, (licence, file) = known, KNOWN[known]
            path = module_folder(known) / file
        if not path:
            sys.exit(f"third_party: the licence of {name} is not known: read it and name it in scripts/third_party.py")
        path = pathlib.Path(path)
        yield name, version, licence, [path.read_text(errors="replace"), *notices(path.parent)]
    for module, (licence, file) in WEBCAM.items():
        folder = module_folder(module)
        version = run("go", "list", "-m", "-f", "{{.Version}}", module).strip()
        yield module, version, licence, [(folder / file).read_text(errors="replace"), *notices(folder)]
    # Without its version: each machine's Go may be another.
    yield "Go's standard library", "", "BSD-3-Clause", [(pathlib.Path(run("go", "env", "GOROOT").strip()) / "LICENSE").read_text()]


def sandboxed():
    """Yields the libraries in C that are compiled into the modules of imaging/sandbox."""
    folder = ROOT / "scripts/sandbox/licences"
    for line in (folder / "list.tsv").read_text().splitlines():
        name, version, licence, *files = line.split("\t")
        yield f"{name} (in imaging/sandbox)", version, licence, [(folder / file).read_text(errors="replace") for file in files]


def page_packages(apache):
    """Yields the npm packages that are bundled into the page; they come without texts."""
    lock = json.loads((ROOT / "client/typescript/package-lock.json").read_text())["packages"]
    for path, package in sorted(lock.items()):
        if not path or package.get("dev"):
            continue
        licence = package.get("license", "")
        name = path.removeprefix("node_modules/")
        if name == "@connectrpc/connect-node":  # for Node alone, in no bundle
            continue
        if "Apache-2.0" not in licence:
            sys.exit(f"third_party: the page's package {name} is under {licence!r}, expected Apache-2.0")
        yield f"{name} (npm)", package["version"], "Apache-2.0", [apache]


def document():
    found = list(go_modules())
    apache = (ROOT / "LICENSE").read_text()
    found += page_packages(apache)
    found += sandboxed()
    found.append(("TensorFlow, linked with, not contained in the programs", "", "Apache-2.0", [apache]))
    for name, version, licence, file in DECODERS:
        found.append((name, version, licence, [(ROOT / "imaging/sandbox/licences" / file).read_text(errors="replace")]))
    for name, _, licence, _ in found:
        if licence not in ALLOWED:
            sys.exit(f"third_party: {name} is under {licence}, expected one of {', '.join(sorted(ALLOWED))}")
    table = [f"{licence:13} {name} {version}".rstrip() for name, version, licence, _ in sorted(found)]
    texts = collections.OrderedDict()
    for name, version, _, own in sorted(found):
        for text in own:
            text = "\n".join(line.rstrip() for line in text.strip().splitlines())
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            texts.setdefault(key, (text, []))[1].append(f"{name} {version}".rstrip())
    parts = [
        "Licences of what the programs and the page contain. Made by scripts/third_party.py\n"
        "(make thirdparty). TensorFlow brings the notices of what it contains itself:\n"
        "tensorflow/THIRD_PARTY_NOTICES.txt beside its library, in bundles too.\n\n" + "\n".join(table)
    ]
    for text, names in texts.values():
        parts.append("=" * 80 + "\n" + "\n".join(names) + "\n" + "-" * 80 + "\n" + text)
    return "\n\n".join(parts) + "\n"


def main():
    os.environ.setdefault("GOFLAGS", "")
    content = document()
    if "--check" not in sys.argv[1:]:
        WRITTEN.write_text(content)
    elif not WRITTEN.exists() or WRITTEN.read_text() != content:
        sys.exit("third_party: THIRD-PARTY.txt is out of date: commit what 'make thirdparty' writes")


if __name__ == "__main__":
    main()
