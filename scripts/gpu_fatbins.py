#!/usr/bin/env python3
"""What: takes the GPU code for unwanted cards out of a copy of a CUDA library.

A library carries its kernels as "fatbins": for each source file a container of
entries, one per architecture. Each entry has a header, which names the kind
(machine code or PTX), the architecture and the size, and a payload. The driver
takes machine code of the card's own major version (of the same or a lower minor
one) or else compiles PTX.

This keeps of each container the entries that a wanted card takes, close together
and in their order, writes the new length into its header and zeros behind: what
the compiler makes for these cards alone, at the same place. Taken out is machine
code that no wanted card runs, and PTX beside machine code for all wanted ones. A
container of which nothing would stay is left as it is. All else stays, so that
the file has its length and layout, and zeros pack to nothing.

How to run: scripts/gpu_fatbins.py LIBRARY 90        in place: give it a copy
            scripts/gpu_fatbins.py LIBRARY           list what there is
            scripts/gpu_fatbins.py LIBRARY 90 --against ORIGINAL
                                                     check that nothing else changed
"""

import collections
import mmap
import struct
import sys

CONTAINER = struct.Struct("<IHHQ")  # magic, version, header size, payload size
ENTRY = struct.Struct("<HHIQ")  # kind, version, header size, payload size
MAGIC = 0xBA55ED50
PTX, ELF = 1, 2
ARCHITECTURE = 28  # where in an entry's header the architecture stands


def sections(image):
    """Yields (name, start, end) of each section that holds fatbins: nvcc's own,
    and the constants, where TensorFlow keeps the kernels that it generates."""
    if image[:4] != b"\x7fELF":
        raise SystemExit("not an ELF file")
    (table,) = struct.unpack_from("<Q", image, 0x28)
    size, count, names = struct.unpack_from("<HHH", image, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", image, table + i * size) for i in range(count)]
    strings = headers[names][4]
    for name, _, _, _, offset, length in headers:
        start = strings + name
        name = image[start : image.find(b"\0", start)].decode()
        if name in (".nv_fatbin", ".rodata"):
            yield name, offset, offset + length


def container(image, at, end):
    """Returns the entries (kind, architecture, start, end) of the container at a
    place and where it ends, or None where the bytes are no whole container of the
    known layout."""
    if at + CONTAINER.size > end:
        return None
    _, version, header, length = CONTAINER.unpack_from(image, at)
    last = at + header + length
    if version != 1 or header != CONTAINER.size or last > end:
        return None
    at += header
    found = []
    while at < last:
        if at + 64 > last:
            return None
        kind, version, header, payload = ENTRY.unpack_from(image, at)
        (architecture,) = struct.unpack_from("<I", image, at + ARCHITECTURE)
        after = at + header + payload
        if kind not in (PTX, ELF) or version != 0x101 or header < 64 or after > last:
            return None
        found.append((kind, architecture, at, after))
        at = after
    return found, last


def containers(image):
    """Yields (start, end, entries) of each container."""
    magic = struct.pack("<I", MAGIC)
    for name, at, end in sections(image):
        while (at := image.find(magic, at, end)) >= 0:
            whole = container(image, at, end)
            if whole:
                yield at, whole[1], whole[0]
                at = whole[1]
            elif name == ".nv_fatbin":
                raise SystemExit(f"a container at {at:#x} is of a layout that this script does not know")
            else:
                at += len(magic)


def runs(architecture, card):
    """Reports whether a card can run machine code for architecture."""
    return architecture // 10 == card // 10 and architecture <= card


def wanted(entries, cards):
    """Returns the entries that a card of the list takes: machine code that it runs,
    and PTX unless there is machine code for every card."""
    code = [architecture for kind, architecture, _, _ in entries if kind == ELF]
    # Exactly: code that is for one chip alone ("90a") has the plain number, too.
    complete = all(card in code for card in cards)
    return [
        entry
        for entry in entries
        if (not complete if entry[0] == PTX else any(runs(entry[1], card) for card in cards))
    ]


def reduced(image, start, end, entries, cards):
    """Returns the container with the wanted entries alone, of the same length."""
    kept = wanted(entries, cards)
    if not kept or len(kept) == len(entries):
        return image[start:end]
    body = b"".join(image[first:last] for _, _, first, last in kept)
    header = CONTAINER.pack(MAGIC, 1, CONTAINER.size, len(body))
    return (header + body).ljust(end - start, b"\0")


def list_entries(image):
    count, size = collections.Counter(), collections.Counter()
    for _, _, entries in containers(image):
        for kind, architecture, start, end in entries:
            key = ("PTX" if kind == PTX else "ELF", architecture)
            count[key] += 1
            size[key] += end - start
    for key in sorted(count):
        print(f"{key[0]} {key[1]:4d}  {count[key]:5d} entries  {size[key] / 1e6:8.1f} MB")


def reduce(image, cards):
    taken = freed = 0
    for start, end, entries in list(containers(image)):
        image[start:end] = reduced(image, start, end, entries, cards)
        kept = wanted(entries, cards)
        if kept:
            taken += len(entries) - len(kept)
            freed += sum(last - first for _, _, first, last in entries) - sum(last - first for _, _, first, last in kept)
    print(f"{taken} entries taken out, {freed / 1e6:.1f} MB")


def check_unchanged(image, original, cards):
    """Fails unless image is original but for the unwanted entries."""
    if len(image) != len(original):
        raise SystemExit("the lengths differ")
    at = 0
    for start, end, entries in [*containers(original), (len(original), len(original), [])]:
        if image[at:start] != original[at:start]:
            raise SystemExit(f"bytes differ between {at:#x} and {start:#x}, outside the containers")
        kept = wanted(entries, cards) or entries
        whole = container(image, start, end) if entries else ([], end)
        if whole is None or [original[first:last] for _, _, first, last in kept] != [
            image[first:last] for _, _, first, last in whole[0]
        ]:
            raise SystemExit(f"the container at {start:#x} has not the entries that it should")
        if image[whole[1] : end].count(0) != end - whole[1]:
            raise SystemExit(f"bytes are left behind the container at {start:#x}")
        at = end


def main():
    arguments = sys.argv[1:]
    original = None
    if "--against" in arguments:
        original = arguments.pop(arguments.index("--against") + 1)
        arguments.remove("--against")
    if not arguments:
        raise SystemExit(__doc__)
    path, *cards = arguments
    cards = [int(card) for card in cards]
    change = bool(cards) and original is None
    with open(path, "r+b" if change else "rb") as file:
        image = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if change else mmap.ACCESS_READ)
    if not cards:
        list_entries(image)
    elif change:
        reduce(image, cards)
    else:
        with open(original, "rb") as file:
            check_unchanged(image, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), cards)
        print("same but for the entries taken out")


if __name__ == "__main__":
    main()
