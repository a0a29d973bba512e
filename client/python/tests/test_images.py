"""Images in the forms that Python programs have them in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from siamese_client import Embedding, RawPixels, Reference
from siamese_client._gen.siamese.v1 import image_pb2
from siamese_client._images import to_proto


def test_files_and_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"picture")
    want = image_pb2.Image(encoded=b"picture")
    forms: list[Any] = [file, str(file), b"picture", bytearray(b"picture"), memoryview(b"picture")]
    assert [to_proto(form) for form in forms] == [want] * len(forms)
    with pytest.raises(FileNotFoundError):
        to_proto(tmp_path / "none.jpg")


def test_others() -> None:
    assert to_proto(None).WhichOneof("source") is None
    assert to_proto(b"").WhichOneof("source") == "encoded"
    assert to_proto(Reference("cup")).reference == "cup"
    embedding = to_proto(Embedding((0.0, 0.5), "digest")).embedding
    assert (list(embedding.values), embedding.model_digest) == ([0.0, 0.5], "digest")
    raw = to_proto(RawPixels(2, 3, b"123456", "GRAY8")).raw
    assert (raw.width, raw.height, raw.data) == (2, 3, b"123456")
    assert raw.format == image_pb2.PIXEL_FORMAT_GRAY8
    with pytest.raises(ValueError, match="'BGR8', expected 'RGB8' or 'GRAY8'"):
        to_proto(RawPixels(2, 2, b"", "BGR8"))
    wrong: Any = 7
    with pytest.raises(TypeError, match="received a int as an image, expected a path"):
        to_proto(wrong)


def test_arrays() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    raw = to_proto(pixels).raw
    assert (raw.width, raw.height, raw.format) == (6, 4, image_pb2.PIXEL_FORMAT_RGB8)
    assert raw.data == pixels.tobytes()
    turned = pixels[:, ::-1, ::-1]  # neither contiguous nor forwards
    assert to_proto(turned).raw.data == bytes(turned.flatten().tolist())
    for gray in (pixels[:, :, 0], pixels[:, :, :1]):
        raw = to_proto(gray).raw
        assert (raw.format, len(raw.data)) == (image_pb2.PIXEL_FORMAT_GRAY8, 24)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8), np.uint8(3)],
    ids=["float64", "four channels", "one dimension", "a number"],
)
def test_arrays_refused(array: Any) -> None:
    with pytest.raises(ValueError, match="expected uint8 with shape"):
        to_proto(array)


@pytest.mark.parametrize(("mode", "size"), [("RGB", 36), ("L", 12)])
def test_pil_pixels(mode: str, size: int) -> None:
    raw = to_proto(PIL.Image.new(mode, (4, 3))).raw
    assert (raw.width, raw.height, len(raw.data)) == (4, 3, size)


@pytest.mark.parametrize(
    "mode", ["1", "P", "LA", "RGBA", "PA", "CMYK", "YCbCr", "HSV", "I;16", "F"]
)
def test_pil_as_png(mode: str) -> None:
    sent = PIL.Image.open(io.BytesIO(to_proto(PIL.Image.new(mode, (4, 3))).encoded))
    assert (sent.format, sent.size) == ("PNG", (4, 3))


def test_pil_keeps_what_the_server_needs() -> None:
    image = PIL.Image.new("RGB", (4, 3))
    image.getexif()[274] = 6
    sent = PIL.Image.open(io.BytesIO(to_proto(image).encoded))
    assert sent.getexif()[274] == 6
    image = PIL.Image.new("RGB", (4, 3))
    image.info["icc_profile"] = b"a profile"
    assert PIL.Image.open(io.BytesIO(to_proto(image).encoded)).info["icc_profile"] == b"a profile"
    image = PIL.Image.new("P", (4, 3))
    image.info["transparency"] = 0
    assert "transparency" in PIL.Image.open(io.BytesIO(to_proto(image).encoded)).info
