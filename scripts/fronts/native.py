"""The server's own BatchCompare, for scripts/fronts/*.py, by JSON over HTTP: what the clients
of other servers' protocols are held against. Standard library alone."""

import base64
import json
import pathlib
import struct
import urllib.request

PHOTOS = pathlib.Path(__file__).resolve().parent.parent.parent / "testdata" / "photos"
CAT = (PHOTOS / "cat.jpg").read_bytes()
COPY = (PHOTOS / "cat_copy.jpg").read_bytes()
HILLS = (PHOTOS / "hills.jpg").read_bytes()


def compare(http: str, pairs: list[tuple[dict, dict]], model: str) -> list[float]:
    """Returns the similarities of pairs of images of the contract, each a float32. They
    are asked for at once: the last digits depend on how many pairs a run has."""
    body = {"pairs": [{"imageA": a, "imageB": b} for a, b in pairs], "options": {"model": model}}
    request = urllib.request.Request(
        f"http://{http}/siamese.v1.SiameseService/BatchCompare",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        results = json.load(response)["results"]
    return [as_float32(result["score"]["similarity"]) for result in results]


def as_float32(value: float) -> float:
    """Returns the float32 that a number of few digits stands for."""
    return struct.unpack("f", struct.pack("f", value))[0]


def encoded(file: bytes) -> dict:
    """Returns an image of a file's bytes."""
    return {"encoded": base64.b64encode(file).decode()}


def raw(pixels) -> dict:
    """Returns an image of uint8 [H,W,3]."""
    height, width, _ = pixels.shape
    data = base64.b64encode(pixels.tobytes()).decode()
    return {"raw": {"width": width, "height": height, "format": "PIXEL_FORMAT_RGB8", "data": data}}


def expect(what: str, got, want) -> None:
    """Ends the program where something is not as it should be."""
    if got != want:
        raise SystemExit(f"{what}: got {got!r}, want {want!r}")
