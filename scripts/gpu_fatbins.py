#!/usr/bin/env python3
"""What: empties the GPU code of unwanted architectures in a copy of a CUDA library.

A library carries its kernels as "fatbins": for each source file a container of
entries, one per architecture. Each entry has a header, which names the kind
(machine code or PTX), the architecture and the size, and a payload. The driver
reads the headers, takes machine code of the card's own major version (of the
same or a lower minor one) or else compiles PTX, and does not look at the rest.

This overwrites with zeros the payloads that no wanted card takes: machine code
for other cards, and PTX beside machine code for all wanted ones. Headers, sizes
and everything else stay, so that the file has its length and layout, and zeros
pack to nothing. A card that is not wanted finds nothing to run in such a file.

How to run: scripts/gpu_fatbins.py LIBRARY 90        in place: give it a copy
            scripts/gpu_fatbins.py LIBRARY           list what there is
            scripts/gpu_fatbins.py LIBRARY 90 --against ORIGINAL
                                                     prove that nothing else changed
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
    """Returns the entries of the container at a place and where it ends, or None
    where the bytes are no whole container of the known layout."""
    if at + CONTAINER.size > end:
        return None
    _, version, header, payload = CONTAINER.unpack_from(image, at)
    last = at + header + payload
    if version != 1 or header != CONTAINER.size or last > end:
        return None
    at += header
    found = []
    while at < last:
        if at + 64 > last:
            return None
        kind, version, header, payload = ENTRY.unpack_from(image, at)
        (architecture,) = struct.unpack_from("<I", image, at + ARCHITECTURE)
        if kind not in (PTX, ELF) or version != 0x101 or header < 64 or at + header + payload > last:
            return None
        found.append((kind, architecture, at + header, at + header + payload))
        at += header + payload
    return found, last


def containers(image):
    """Yields the entries of each container: (kind, architecture, payload start, payload end)."""
    magic = struct.pack("<I", MAGIC)
    for name, at, end in sections(image):
        while (at := image.find(magic, at, end)) >= 0:
            whole = container(image, at, end)
            if whole:
                yield whole[0]
                at = whole[1]
            elif name == ".nv_fatbin":
                raise SystemExit(f"a container at {at:#x} is of a layout that this script does not know")
            else:
                at += len(magic)


def runs(architecture, card):
    """Reports whether a card can run machine code for architecture."""
    return architecture // 10 == card // 10 and architecture <= card


def unwanted(image, cards):
    """Returns the payloads (start, end) that no card of the list takes: machine
    code for others, and PTX beside machine code for every card of the list."""
    found = []
    for entries in containers(image):
        code = [architecture for kind, architecture, _, _ in entries if kind == ELF]
        # Exactly: code that is for one chip alone ("90a") has the plain number, too.
        complete = all(card in code for card in cards)
        for kind, architecture, start, end in entries:
            if complete if kind == PTX else not any(runs(architecture, card) for card in cards):
                found.append((start, end))
    return found


def list_entries(image):
    count, size = collections.Counter(), collections.Counter()
    for entries in containers(image):
        for kind, architecture, start, end in entries:
            key = ("PTX" if kind == PTX else "ELF", architecture)
            count[key] += 1
            size[key] += end - start
    for key in sorted(count):
        print(f"{key[0]} {key[1]:4d}  {count[key]:5d} entries  {size[key] / 1e6:8.1f} MB")


def empty(image, cards):
    payloads = unwanted(image, cards)
    for start, end in payloads:
        image[start:end] = bytes(end - start)
    print(f"{len(payloads)} entries emptied, {sum(end - start for start, end in payloads) / 1e6:.1f} MB")


def prove(image, original, cards):
    """Fails unless image is original but for zeros in the unwanted payloads."""
    if len(image) != len(original):
        raise SystemExit("the lengths differ")
    at = 0
    for start, end in [*unwanted(original, cards), (len(original), len(original))]:
        if image[at:start] != original[at:start]:
            raise SystemExit(f"bytes differ between {at:#x} and {start:#x}, outside the emptied entries")
        if image[start:end].count(0) != end - start:
            raise SystemExit(f"the entry at {start:#x} is not empty")
        at = end
    print("same but for the emptied entries")


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
        empty(image, cards)
    else:
        with open(original, "rb") as file:
            prove(image, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), cards)


if __name__ == "__main__":
    main()
