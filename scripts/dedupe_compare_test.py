"""Tests of dedupe_compare's own logic.

How to run: scripts/dedupe-compare.sh does, first; or python3 scripts/dedupe_compare_test.py
"""

import io
import pathlib
import random
import tempfile
import unittest

from PIL import Image

import dedupe_attacks as attacks
import dedupe_compare as compare

KINDS = {f"{i}-{kind}": kind for i in range(2) for kind in ("original", "jpeg", "crop")}


class Judge(unittest.TestCase):
    """What is counted of the doubles that a program finds."""

    def test_all_found(self):
        removed = {f"{i}-{kind}": f"{i}-original" for i in range(2) for kind in ("jpeg", "crop")}
        self.assertEqual(compare.judge(removed, KINDS), (1, 1, {"crop": 1, "jpeg": 1}))

    def test_original_may_go(self):
        removed = {"0-original": "0-jpeg", "0-crop": "0-jpeg"}
        self.assertEqual(compare.judge(removed, KINDS), (1, 0.5, {"crop": 0.5, "jpeg": 0.5}))

    def test_mistakes(self):
        removed = {"0-jpeg": "0-original", "1-original": "0-original", "1-crop": "0-original", "1-jpeg": "0-original"}
        self.assertEqual(compare.judge(removed, KINDS), (0.25, 0.25, {"crop": 0, "jpeg": 0.5}))

    def test_none_found(self):
        self.assertEqual(compare.judge({}, KINDS), (1, 0, {"crop": 0, "jpeg": 0}))

    def test_recall_at_equal_precision(self):
        rows = [(0.5, 9, (0.4, 0.9, {})), (0.9, 5, (0.95, 0.7, {})), (0.99, 3, (1.0, 0.5, {}))]
        self.assertEqual(compare.best_recall(rows, 0.9), (0.7, 0.9))
        self.assertEqual(compare.best_recall(rows[:1], 0.9), (None, None))


class Removed(unittest.TestCase):
    """What stays for what."""

    def test_siamese(self):
        document = {"groups": [{"files": [{"file": "/a/x"}, {"file": "/a/y"}, {"file": "/a/z"}]}]}
        self.assertEqual(compare.removed_by_siamese(document), {"y": "x", "z": "x"})

    def test_hash(self):
        duplicates = {"x": [("y", 2), ("z", 11)], "y": [("x", 2), ("w", 1)], "z": [("x", 11)], "w": [("y", 1)]}
        self.assertEqual(compare.removed_by_hash(duplicates, 10), {"y": "x"})
        self.assertEqual(compare.removed_by_hash(duplicates, 11), {"y": "x", "z": "x"})


class Attacks(unittest.TestCase):
    """The copies are pictures, other than the original, and the same for the same seed."""

    def test_all(self):
        picture = Image.merge("RGB", [Image.effect_noise((200, 150), deviation) for deviation in (30, 60, 90)])
        edits = [lambda p, c, e=edit: (attacks.saved(e(p, c)), "strong") for edit in (
            attacks.painted, attacks.printed, attacks.blurred, attacks.turned, attacks.grey, attacks.lit)]
        for attack in [*attacks.ATTACKS, *edits]:
            first, _ = attack(picture, random.Random(5))
            self.assertTrue(first == attack(picture, random.Random(5))[0], f"{attack} has a chance of its own")
            self.assertFalse(first == attacks.saved(picture), f"{attack} changes nothing")
            self.assertGreater(min(Image.open(io.BytesIO(first)).size), 20)

    def test_files(self):
        with tempfile.TemporaryDirectory() as name:
            given, made = pathlib.Path(name) / "given", pathlib.Path(name) / "made"
            given.mkdir()
            made.mkdir()
            for i in range(3):
                Image.effect_noise((100 + i, 90), 90).save(given / f"{i}.png")
            (given / "words.txt").write_text("no picture")
            kinds = compare.make(given, made, 2, 1)
            self.assertEqual(len(kinds), 10)
            self.assertEqual({file.name for file in made.iterdir()}, set(kinds))
            self.assertEqual(sum(kind == "original" for kind in kinds.values()), 2)


if __name__ == "__main__":
    unittest.main()
