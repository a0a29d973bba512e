#!/usr/bin/env python3
# What: packs a folder of files as a wheel, the same bytes each time: names sorted, one
#       time for all, modes 0755 and 0644. The tag of the platform comes from what the
#       programs ask of glibc. Needs Python's standard library alone.
# How to run: SOURCE_DATE_EPOCH=… scripts/release/wheel.py FOLDER VERSION TENSORFLOW DIST
import base64
import hashlib
import os
import pathlib
import re
import sys
import time
import zipfile

METADATA = """\
Metadata-Version: 2.4
Name: siamese-server
Version: {version}
Summary: Says how alike two images are: a gRPC server and a command line, in one program
License-Expression: Apache-2.0
License-File: LICENSE
License-File: NOTICE
License-File: THIRD-PARTY.txt
Requires-Python: >=3.10
Requires-Dist: tensorflow-cpu=={tensorflow}
Classifier: Operating System :: POSIX :: Linux
Classifier: Topic :: Scientific/Engineering :: Image Recognition
Description-Content-Type: text/markdown

# siamese-server

The program [siamese](NOTICE) for Linux on x86-64 (glibc {glibc} or newer), with the TensorFlow of `tensorflow-cpu`.

```sh
siamese compare a.png b.png   # how alike two pictures are
siamese serve                 # the server, on 127.0.0.1:50051, and a page on http://127.0.0.1:8080
siamese doctor                # what is wrong here, and what mends it
```
"""

WHEEL = """\
Wheel-Version: 1.0
Generator: siamese
Root-Is-Purelib: false
Tag: {tag}
"""

ENTRY_POINTS = """\
[console_scripts]
siamese = siamese_server:siamese
siamese-doctor = siamese_server:doctor
"""


def glibc_of(program):
    """The newest version of glibc that an executable names, as (major, minor)."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", program.read_bytes())
    if not versions:
        sys.exit(f"wheel: {program} names no version of glibc, expected a program that is linked with it")
    return max((int(major), int(minor)) for major, minor in versions)


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def pack(path, files, when):
    """Writes the archive whole under another name, and then renames it."""
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files:
            member = zipfile.ZipInfo(name, when)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3  # Unix, so that modes count
            member.external_attr = (0o100755 if "/bin/" in name else 0o100644) << 16
            archive.writestr(member, data)
    partial.rename(path)


def main():
    folder, version, tensorflow, dist = sys.argv[1:]
    root = pathlib.Path(folder)
    major, minor = glibc_of(root / "siamese_server/bin/siamese")
    tag = f"py3-none-manylinux_{major}_{minor}_x86_64"
    info = f"siamese_server-{version}.dist-info"
    files = {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file() and f.parts[-2] != "licenses"}
    for licence in (root / "licenses").iterdir():
        files[f"{info}/licenses/{licence.name}"] = licence.read_bytes()
    files[f"{info}/METADATA"] = METADATA.format(version=version, tensorflow=tensorflow, glibc=f"{major}.{minor}").encode()
    files[f"{info}/WHEEL"] = WHEEL.format(tag=tag).encode()
    files[f"{info}/entry_points.txt"] = ENTRY_POINTS.encode()
    record = "".join(record_line(name, files[name]) for name in sorted(files)) + f"{info}/RECORD,,\n"
    # Installers want what describes the archive at its end.
    members = sorted(files.items(), key=lambda item: (item[0].startswith(info), item[0]))
    members.append((f"{info}/RECORD", record.encode()))
    when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    path = pathlib.Path(dist) / f"siamese_server-{version}-{tag}.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    pack(path, members, when)
    print(path)


main()
