"""Long lists in parts that the server takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message

from ._errors import SiameseError

M = TypeVar("M", bound=Message)

_FIELD = re.compile(r"^(\w+)\[(\d+)\]")


@dataclass
class Part(Generic[M]):
    """Some items of a list, with their places in it."""

    items: list[M] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)

    def rename(self, error: SiameseError) -> SiameseError:
        """Make the error name its field by the place in the whole list."""
        error.field = whole_field(error.field, self.indexes)
        return error


@dataclass(frozen=True)
class TooLarge:
    """An item that no message has room for."""

    index: int
    size: int

    def error(self, list_name: str, max_bytes: int) -> SiameseError:
        """Say so in the words of the contract's errors."""
        return SiameseError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"received {self.size} bytes, expected at most {max_bytes}, "
            "which is what the server takes in one message",
            field=f"{list_name}[{self.index}]",
        )


class Splitter(Generic[M]):
    """Cuts a list into parts as it is read: the next part when asked, None at the end.

    Attributes:
        max_bytes: the bytes that the items of a part may have together.
        too_large: the items so far that are too large for any part.
        count: how many items were read.

    """

    def __init__(self, items: Iterable[M], max_items: int, max_bytes: int) -> None:
        self._items: Iterator[M] = iter(items)
        self._max_items = max_items
        self.max_bytes = max_bytes
        self._next: list[M] = []  # an item that was read, but had no room; at most one
        self.too_large: list[TooLarge] = []
        self.count = 0

    def __call__(self) -> Part[M] | None:
        part: Part[M] = Part()
        room = self.max_bytes
        while len(part.items) < (self._max_items or len(part.items) + 1):
            item = self._take()
            if item is None:
                break
            size = size_in_list(item)
            if size > self.max_bytes:
                self.too_large.append(TooLarge(self.count - 1, size))
                continue
            if size > room:
                self._next.append(item)
                self.count -= 1
                break
            room -= size
            part.items.append(item)
            part.indexes.append(self.count - 1)
        return part if part.items else None

    def _take(self) -> M | None:
        item = self._next.pop() if self._next else next(self._items, None)
        if item is not None:
            self.count += 1
        return item


def size_in_list(item: Message) -> int:
    """Say how many bytes an item adds to a message: tag, length, itself."""
    size = item.ByteSize()
    return 1 + max(1, (size.bit_length() + 6) // 7) + size


def whole_field(name: str, indexes: Sequence[int]) -> str:
    """Turn pairs[3].image_a of a part into what it is in the whole list."""
    found = _FIELD.match(name)
    if not found or int(found[2]) >= len(indexes):
        return name
    return f"{found[1]}[{indexes[int(found[2])]}]{name[found.end() :]}"
