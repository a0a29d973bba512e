"""Pictures in the forms that Python programs have them in."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from ._gen.siamese.v1 import image_pb2
from ._results import Embedding

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import PIL.Image


@dataclass(frozen=True)
class RawPixels:
    """An uncompressed picture.

    Attributes:
        width, height: columns and rows, at least 2 each.
        data: the pixels row by row from the top left, without padding: three bytes a
            pixel (red, green, blue) for ``RGB8``, one (0 black, 255 white) for ``GRAY8``.
        format: ``RGB8`` or ``GRAY8``.

    """

    width: int
    height: int
    data: bytes
    format: str = "RGB8"


@dataclass(frozen=True)
class Reference:
    """A reference of a stream by its name; outside a stream the server refuses it."""

    name: str


ImageLike = Union[
    str,
    "os.PathLike[str]",
    bytes,
    bytearray,
    memoryview,
    RawPixels,
    Embedding,
    Reference,
    "numpy.typing.NDArray[numpy.uint8]",
    "PIL.Image.Image",
    None,
]
"""What calls take as an image:

- a path (``str`` or ``os.PathLike``): the file is read here and sent as it is;
- ``bytes``: the content of an image file;
- a numpy array of ``uint8``: height x width (gray) or height x width x 3, red first
  (OpenCV's are blue first: ``frame[:, :, ::-1]``);
- a PIL image, turned upright and with its colour profile and transparency as in its file;
- :class:`RawPixels`, an :class:`Embedding` from ``embed``, a :class:`Reference`;
- ``None``: nothing, which the server refuses with ``IMAGE_UNSET``; it keeps the places of
  a list whose pictures could not all be had.
"""

_FORMATS = {
    "": image_pb2.PIXEL_FORMAT_UNSPECIFIED,
    "RGB8": image_pb2.PIXEL_FORMAT_RGB8,
    "GRAY8": image_pb2.PIXEL_FORMAT_GRAY8,
}

# What PNG holds as it is; other modes are converted first.
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")

_EXIF_ORIENTATION = 274


def to_proto(image: ImageLike) -> image_pb2.Image:
    """Turn a picture into the contract's message; files are read.

    Raises:
        TypeError, ValueError: it is nothing that is taken.
        OSError: its file can't be read.

    """
    if image is None:
        return image_pb2.Image()
    if isinstance(image, (str, os.PathLike)):
        return image_pb2.Image(encoded=Path(image).read_bytes())
    if isinstance(image, (bytes, bytearray, memoryview)):
        return image_pb2.Image(encoded=bytes(image))
    if isinstance(image, RawPixels):
        return _from_raw(image)
    if isinstance(image, Embedding):
        embedding = image_pb2.Embedding(values=image.values, model_digest=image.model_digest)
        return image_pb2.Image(embedding=embedding)
    if isinstance(image, Reference):
        return image_pb2.Image(reference=image.name)
    return _from_library(image)


def _from_library(image: Any) -> image_pb2.Image:
    """Turn a PIL image or an array into a message, without importing either library."""
    pil: Any = sys.modules.get("PIL.Image")
    if pil is not None and isinstance(image, pil.Image):
        return _from_pil(image)
    if hasattr(image, "__array_interface__"):
        return _from_array(image)
    raise TypeError(
        f"received a {type(image).__name__} as an image, expected a path, bytes, a numpy "
        "array of uint8, a PIL image, RawPixels, an Embedding or None"
    )


def _from_raw(raw: RawPixels) -> image_pb2.Image:
    if raw.format not in _FORMATS:
        raise ValueError(f"received pixels of format {raw.format!r}, expected 'RGB8' or 'GRAY8'")
    return image_pb2.Image(
        raw=image_pb2.RawPixels(
            width=raw.width, height=raw.height, format=_FORMATS[raw.format], data=raw.data
        )
    )


def _from_array(array: Any) -> image_pb2.Image:
    shape, kind = tuple(array.shape), str(array.dtype)
    if kind != "uint8" or not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))):
        raise ValueError(
            f"received an array of {kind} with shape {shape}, expected uint8 with shape "
            "(height, width), or (height, width, 3) with red first"
        )
    colour = len(shape) == 3 and shape[2] == 3
    return _from_raw(RawPixels(shape[1], shape[0], array.tobytes(), "RGB8" if colour else "GRAY8"))


def _from_pil(image: PIL.Image.Image) -> image_pb2.Image:
    """Send plain pixels as such, all else as PNG.

    With PNG the server does what it does with files: it turns the picture upright,
    brings its colours to sRGB and puts it on white.
    """
    exif = image.getexif()
    profile = image.info.get("icc_profile")
    upright = exif.get(_EXIF_ORIENTATION, 1) == 1
    if image.mode in ("L", "RGB") and upright and not profile and "transparency" not in image.info:
        return _from_raw(
            RawPixels(
                image.width,
                image.height,
                image.tobytes(),
                "RGB8" if image.mode == "RGB" else "GRAY8",
            )
        )
    if image.mode not in _PNG_MODES:
        # A profile of CMYK or Lab says nothing of the RGB that this makes.
        image, profile = (
            image.convert("RGBA" if image.mode in ("PA", "RGBa", "La") else "RGB"),
            None,
        )
    out = io.BytesIO()
    # Little compression: time matters more than bytes that are sent once.
    image.save(out, "PNG", compress_level=1, icc_profile=profile, exif=exif.tobytes())
    return image_pb2.Image(encoded=out.getvalue())
