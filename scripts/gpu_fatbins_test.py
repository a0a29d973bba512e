#!/usr/bin/env python3
"""What: tests gpu_fatbins.py on a small ELF file made here.

How to run: python3 scripts/gpu_fatbins_test.py
"""

import struct
import unittest

import gpu_fatbins
from gpu_fatbins import ELF, PTX


def entry(kind, architecture, payload):
    header = bytearray(64)
    struct.pack_into("<HHIQ", header, 0, kind, 0x101, 64, len(payload))
    struct.pack_into("<I", header, gpu_fatbins.ARCHITECTURE, architecture)
    return bytes(header) + payload


def container(*entries):
    body = b"".join(entries)
    return struct.pack("<IHHQ", gpu_fatbins.MAGIC, 1, 16, len(body)) + body


def image(fatbins, constants=b""):
    """Returns an ELF file with the sections .nv_fatbin and .rodata."""
    names = b"\0.nv_fatbin\0.rodata\0.shstrtab\0"
    contents = [b"", fatbins, constants, names]
    at, body, headers = 64, b"", b""
    for name, content in zip((0, 1, 12, 20), contents):
        headers += struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, at + len(body), len(content), 0, 0, 0, 0)
        body += content
    start = bytearray(64)
    start[:4] = b"\x7fELF"
    struct.pack_into("<Q", start, 0x28, at + len(body))
    struct.pack_into("<HHH", start, 0x3A, 64, len(contents), 3)
    return bytearray(bytes(start) + body + headers)


def reduced(before, *cards):
    """Returns the file as it is for the cards."""
    after = bytearray(before)
    for start, end, entries in gpu_fatbins.containers(before):
        after[start:end] = gpu_fatbins.reduced(before, start, end, entries, cards)
    gpu_fatbins.check_unchanged(after, before, cards)
    return after


class Reduced(unittest.TestCase):
    def test_code_for_other_cards_and_needless_ptx_go(self):
        before = image(container(entry(ELF, 80, b"eighty"), entry(ELF, 90, b"ninety"), entry(PTX, 90, b"assembly")))
        after = reduced(before, 90)
        self.assertEqual(len(after), len(before))
        self.assertNotIn(b"eighty", after)
        self.assertIn(b"ninety", after)
        self.assertNotIn(b"assembly", after)
        ((_, _, entries),) = gpu_fatbins.containers(after)
        self.assertEqual([entry[:2] for entry in entries], [(ELF, 90)])

    def test_ptx_stays_where_a_card_has_no_code(self):
        before = image(container(entry(ELF, 80, b"eighty"), entry(PTX, 90, b"assembly")))
        after = reduced(before, 90)
        self.assertNotIn(b"eighty", after)
        self.assertIn(b"assembly", after)

    def test_a_lower_minor_version_runs(self):
        before = image(container(entry(ELF, 80, b"<80>"), entry(ELF, 86, b"<86>"), entry(ELF, 89, b"<89>")))
        after = reduced(before, 86)
        self.assertIn(b"<80>", after)
        self.assertIn(b"<86>", after)
        self.assertNotIn(b"<89>", after)

    def test_a_container_without_anything_wanted_stays(self):
        before = image(container(entry(ELF, 80, b"eighty")) + container(entry(ELF, 90, b"ninety")))
        self.assertEqual(reduced(before, 90), before)

    def test_containers_among_the_constants(self):
        magic = struct.pack("<I", gpu_fatbins.MAGIC)
        before = image(b"", b"text" + magic + b"no container" + container(entry(ELF, 60, b"sixty"), entry(PTX, 90, b"assembly")) + b"end")
        after = reduced(before, 90)
        self.assertNotIn(b"sixty", after)
        self.assertIn(b"end", after)
        self.assertIn(magic + b"no container", after)

    def test_an_unknown_layout_is_refused(self):
        with self.assertRaises(SystemExit):
            reduced(image(container(entry(7, 90, b"unknown"))), 90)

    def test_the_proof_finds_another_change(self):
        before = image(container(entry(ELF, 80, b"eighty"), entry(ELF, 90, b"ninety")))
        after = reduced(before, 90)
        after[after.index(b"ninety")] ^= 1
        with self.assertRaises(SystemExit):
            gpu_fatbins.check_unchanged(after, before, [90])


if __name__ == "__main__":
    unittest.main()
