"""Long lists in parts."""

from __future__ import annotations

from siamese_client import SiameseError
from siamese_client._gen.siamese.v1 import embed_pb2, image_pb2
from siamese_client._parts import Part, Splitter, size_in_list, whole_field


def images(*sizes: int) -> list[image_pb2.Image]:
    return [image_pb2.Image(encoded=bytes(size)) for size in sizes]


def parts_of(splitter: Splitter[image_pb2.Image]) -> list[list[int]]:
    found = []
    while (part := splitter()) is not None:
        assert len(part.items) == len(part.indexes)
        found.append(part.indexes)
    return found


def test_size_in_list() -> None:
    for size in (0, 1, 125, 126, 127, 128, 16_379, 16_380, 16_381, 3_000_000):
        (image,) = images(size)
        assert size_in_list(image) == embed_pb2.EmbedRequest(images=[image]).ByteSize()


def test_by_count() -> None:
    assert parts_of(Splitter(images(1, 1, 1, 1, 1), 2, 1000)) == [[0, 1], [2, 3], [4]]
    assert parts_of(Splitter(images(1, 1), 2, 1000)) == [[0, 1]]
    assert parts_of(Splitter([], 2, 1000)) == []
    assert parts_of(Splitter(images(1, 1, 1), 0, 1000)) == [[0, 1, 2]]  # no limit


def test_by_bytes() -> None:
    # 96 bytes of a picture are 100 in a list.
    assert parts_of(Splitter(images(96, 96, 96), 9, 200)) == [[0, 1], [2]]
    assert parts_of(Splitter(images(96, 96, 96), 9, 199)) == [[0], [1], [2]]
    assert parts_of(Splitter(images(96, 1, 96, 1), 9, 105)) == [[0, 1], [2, 3]]


def test_too_large() -> None:
    splitter = Splitter(images(500, 96, 500, 96, 500), 9, 200)
    assert parts_of(splitter) == [[1, 3]]
    assert [(large.index, large.size) for large in splitter.too_large] == [
        (0, 506),
        (2, 506),
        (4, 506),
    ]
    assert splitter.count == 5
    error = splitter.too_large[1].error("images", 222)
    assert error.field == "images[2]"
    assert "506 bytes, expected at most 222" in error.message


def test_fields() -> None:
    assert whole_field("pairs[1].image_b", [7, 9]) == "pairs[9].image_b"
    assert whole_field("pairs[2].image_b", [7, 9]) == "pairs[2].image_b"  # not the server's
    assert whole_field("options.threshold", [7]) == "options.threshold"
    assert whole_field("", [7]) == ""
    part: Part[image_pb2.Image] = Part(indexes=[4])
    error = SiameseError.__new__(SiameseError)
    error.field = "candidates[0]"
    assert part.rename(error).field == "candidates[4]"
