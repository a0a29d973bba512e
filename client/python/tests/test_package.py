"""The package as it is installed, its README, and the examples."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PHOTOS, ROOT, Program

import siamese_client

HERE = ROOT / "client" / "python"
EXAMPLES = ROOT / "examples" / "python"


def test_the_installed_package_is_tested() -> None:
    """In a virtual environment that has the wheel, that is what the tests import."""
    module = Path(siamese_client.__file__)
    installed = list(Path(sys.prefix).glob("lib/*/site-packages/siamese_client"))
    assert not installed or module.parent == installed[0]
    assert (module.parent / "py.typed").exists()


def test_numpy_and_pillow_are_not_needed() -> None:
    code = (
        "import sys; sys.modules.update({'numpy': None, 'PIL': None}); "
        "from siamese_client._images import to_proto; to_proto(b'x')\n"
        "try: to_proto(7)\nexcept TypeError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=HERE
    )
    assert done.stdout == "refused\n"


def test_versions_agree() -> None:
    text = (HERE / "pyproject.toml").read_text()
    assert f'version = "{siamese_client.__version__}"' in text
    assert (HERE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize(
    "name", ["compare.py", "batch.py", "stream.py", "stream_async.py", "gallery.py"]
)
def test_readme_shows_examples(name: str) -> None:
    """README has each example in full, word by word."""
    shown = re.findall(r"^```python\n(.*?)^```$", (HERE / "README.md").read_text(), re.M | re.S)
    assert (EXAMPLES / name).read_text() in shown


def test_readme_names_what_is_exported() -> None:
    """Each exported name that README writes as code exists."""
    text = (HERE / "README.md").read_text()
    names = set(re.findall(r"`(?:siamese_client|sc)\.([A-Za-z]+)`", text))
    assert names <= set(siamese_client.__all__)
    assert all(hasattr(siamese_client, name) for name in siamese_client.__all__)


def example(name: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *args], capture_output=True, text=True, cwd=PHOTOS
    )


def test_compare_example(server: Program) -> None:
    done = example("compare.py", "cat.jpg", "cat_copy.jpg", server.address)
    assert done.stdout == "1.0000 same (siamese-general)\n", done.stderr
    done = example("compare.py", "cat.jpg", "README.md", server.address)
    assert done.returncode == 1
    assert done.stderr.startswith("IMAGE_FORMAT_UNKNOWN: image_b: received data that starts")


def test_batch_example(server: Program) -> None:
    done = example("batch.py", str(ROOT / "testdata" / "photos"), server.address)
    assert "hills.jpg valley.png 1.0000" in done.stdout, done.stderr
    # README.md is no picture, and is in a pair with each of the 13 others.
    assert done.stdout.count("README.md") == 13
    assert "91 pairs, 13 failed" in done.stdout
    done = example("batch.py", str(ROOT / "testdata" / "omniglot"), server.address)
    assert "100 pairs, " in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["stream.py", "stream_async.py"])
def test_stream_examples(server: Program, name: str) -> None:
    files = ["cat_copy.jpg", "README.md", "hills.jpg"]
    done = example(name, "cat.jpg", *files, "--server", server.address)
    lines = done.stdout.splitlines()[-3:]
    assert [line.split()[0] for line in lines] == files, done.stderr
    assert [line.split()[1].rstrip(":") for line in lines] == [
        "1.0000", "IMAGE_FORMAT_UNKNOWN", "0.0037",
    ]  # fmt: skip


def test_gallery_example(server: Program) -> None:
    """It can be run again: what is there already stays."""
    for counts in ("13 added, 0 there already", "0 added, 13 there already"):
        done = example("gallery.py", str(PHOTOS), "cat_copy.jpg", server.address)
        assert done.returncode == 0, done.stderr
        first, failed, best, *_ = done.stdout.splitlines()
        assert first == counts
        assert failed.startswith("README.md IMAGE_FORMAT_UNKNOWN: received data")
        assert best.split()[1:] == ["1.0000", "same"]
