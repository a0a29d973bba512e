"""Holds `siamese dedupe` against imagededup's perceptual hash on one folder.

What: takes pictures from a folder, makes four attacked copies of each, as the Copydays set
has them (JPEG of low quality, a crop, another scale, and a strong edit: painted over,
printed, blurred, turned, without colour), and has both programs find the doubles. It prints
for each threshold what would be removed as a double, how much of that is right (precision)
and how many of the copies are found (recall), in all and by kind of attack, and the time.

A file is rightly removed where the one that stays for it was made of the same picture. The
given pictures are taken to be different ones: near-doubles among them count as mistakes of
whoever finds them.

imagededup's other method, a CNN, is left out: it fetches its weights from the makers of
torchvision, which no package brings, and PyTorch for it has gigabytes.

How to run: scripts/dedupe-compare.sh PICTURES, which makes the virtual environment.
"""

import argparse
import collections
import json
import logging
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import types

from PIL import Image, ImageOps

from dedupe_attacks import ATTACKS, saved

MIN_SIDE = 64
ORIGINAL_QUALITY = 95

MATCHES = (0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.95, 0.98)
THRESHOLDS = (0.5, 0.9, 0.99, 0.999)
DISTANCES = (0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
DEFAULT_DISTANCE = 10
WANTED_PRECISIONS = (0.9, 0.95, 0.98, 0.99)


def usable(path):
    """Returns the picture in a file, or None."""
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return picture if min(picture.size) >= MIN_SIDE else None


def make(pictures, folder, originals, seed):
    """Writes originals and attacked copies to a folder; returns each name's kind."""
    chance = random.Random(seed)
    paths = sorted(path for path in pictures.rglob("*") if path.is_file())
    chance.shuffle(paths)
    kinds, made = {}, 0
    for path in paths:
        if made == originals:
            break
        picture = usable(path)
        if picture is None:
            continue
        name = f"{made:05d}-0-original.jpg"  # first for who goes by names
        (folder / name).write_bytes(saved(picture, ORIGINAL_QUALITY))
        kinds[name] = "original"
        for attack in ATTACKS:
            file, kind = attack(picture, chance)
            name = f"{made:05d}-{attack.__name__}.jpg"
            (folder / name).write_bytes(file)
            kinds[name] = kind
        made += 1
    if made < 2:
        sys.exit(f"{pictures}: found {made} pictures of at least {MIN_SIDE} pixels a side, expected some")
    return kinds


def family(name):
    """Returns of which original a file is."""
    return name.split("-")[0]


def judge(removed, kinds):
    """Returns precision, recall, and the recall of each kind, of files by what stays for them."""
    right = collections.Counter(kinds[name] for name, stays in removed.items() if family(name) == family(stays))
    families = len({family(name) for name in kinds})
    # Of a family all but one are to be removed, whichever stays: its original may go.
    recall = right.total() / (len(kinds) - families)
    found = {
        kind: count_found(removed, kinds, kind) / max(1, sum(other == kind for other in kinds.values()))
        for kind in sorted(set(kinds.values()) - {"original"})
    }
    return right.total() / len(removed) if removed else 1.0, recall, found


def count_found(removed, kinds, kind):
    """Counts the copies of a kind that are removed for, or stay for, one of their family."""
    together = set()
    for name, stays in removed.items():
        if family(name) == family(stays):
            together |= {name, stays}
    return sum(kinds[name] == kind for name in together)


def run_siamese(program, model, folder, index, flags):
    """Runs dedupe and returns its document and seconds."""
    command = [program, "dedupe", f"--model={model}", "--json", f"--index={index}", *flags, str(folder)]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), seconds


def removed_by_siamese(document):
    """Returns the doubles by the best of their group."""
    removed = {}
    for group in document["groups"]:
        names = [pathlib.Path(file["file"]).name for file in group["files"]]
        removed.update(dict.fromkeys(names[1:], names[0]))
    return removed


def perceptual_hash():
    """Returns imagededup's PHash, without the parts of the package that need PyTorch."""
    import imagededup  # noqa: PLC0415

    for name in ("methods", "utils"):
        package = types.ModuleType(f"imagededup.{name}")
        package.__path__ = [os.path.join(imagededup.__path__[0], name)]
        sys.modules[package.__name__] = package
    from imagededup.methods.hashing import PHash  # noqa: PLC0415

    logging.disable(logging.INFO)
    return PHash(verbose=False)


def removed_by_hash(duplicates, distance):
    """Returns the doubles by what stays, as imagededup chooses which files to remove."""
    removed = {}
    for name, others in duplicates.items():
        if name in removed:
            continue
        for other, apart in others:
            if apart <= distance and other not in removed:
                removed[other] = name
    return removed


def print_table(name, rows, kinds):
    """Prints a program's rows: threshold, how many are removed, and how well."""
    attacks = sorted(set(kinds.values()) - {"original"})
    print(f"\n{name}")
    print(f"{'threshold':>9}  {'removed':>7}  {'precision':>9}  {'recall':>6}  " + "  ".join(f"{a:>9}" for a in attacks))
    for threshold, removed, (precision, recall, found) in rows:
        by_kind = "  ".join(f"{found[a]:9.3f}" for a in attacks)
        print(f"{threshold:>9}  {removed:7d}  {precision:9.4f}  {recall:6.4f}  {by_kind}")


def best_recall(rows, precision):
    """Returns the largest recall, with its threshold, of rows with at least a precision."""
    good = [(recall, threshold) for threshold, _, (own, recall, _) in rows if own >= precision]
    return max(good, default=(None, None))


def shown(recall, threshold):
    """Returns a recall for a person."""
    return "none" if recall is None else f"{recall:.4f} (at {threshold})"


def print_comparison(siamese, hashed):
    """Prints both programs' recall at equal precision."""
    print("\nrecall at a precision of at least    siamese dedupe      imagededup PHash")
    at = [(f"{p:.4f}", p) for p in WANTED_PRECISIONS]
    at += [(f"{own[0]:.4f} (PHash at {distance})", own[0]) for distance, _, own in hashed if distance == DEFAULT_DISTANCE]
    for name, precision in at:
        print(f"{name:<35}  {shown(*best_recall(siamese, precision)):<18}  {shown(*best_recall(hashed, precision))}")


def measure_siamese(arguments, folder, index, kinds):
    """Runs dedupe on the folder and prints its tables; returns the rows by match and both runs' seconds."""
    flags = ["--foreign"] if arguments.foreign else []

    def run(*more):
        return run_siamese(arguments.siamese, arguments.model, folder, index, [*flags, *more])

    document, first = run()
    _, again = run()
    print(f"siamese dedupe: model {document['model']}, default match {document['match']}, {document['foreign']} pictures foreign to it")

    def rows(flag, values):
        for value in sorted({*values}):
            found, _ = run(f"--{flag}={value}")
            if found["encoded"]:
                sys.exit(f"a second run encoded {found['encoded']} pictures, expected that the first one's were kept")
            removed = removed_by_siamese(found)
            yield value, len(removed), judge(removed, kinds)

    by_match = list(rows("match", {*MATCHES, document["match"], *arguments.match}))
    print_table("siamese dedupe, by match (pixels and the model)", by_match, kinds)
    print_table("siamese dedupe --threshold, by similarity alone", list(rows("threshold", THRESHOLDS)), kinds)
    return by_match, first, again


def measure_hash(folder, kinds):
    """Runs PHash on the folder and prints its table; returns rows and seconds."""
    begin = time.perf_counter()
    perceptual_hash().find_duplicates(image_dir=str(folder), max_distance_threshold=DEFAULT_DISTANCE)
    seconds = time.perf_counter() - begin
    duplicates = perceptual_hash().find_duplicates(image_dir=str(folder), max_distance_threshold=max(DISTANCES), scores=True)
    rows = []
    for distance in DISTANCES:
        removed = removed_by_hash(duplicates, distance)
        rows.append((distance, len(removed), judge(removed, kinds)))
    print_table("imagededup PHash, by bits that differ of 64", rows, kinds)
    return rows, seconds


def parse():
    """Returns the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", type=pathlib.Path, help="folder of pictures, with all that is below it")
    parser.add_argument("--originals", type=int, default=200, help="how many pictures to take; with their copies five times as many files")
    parser.add_argument("--seed", type=int, default=1, help="which pictures are taken, and how they are attacked")
    parser.add_argument("--siamese", default="bin/siamese", help="the program")
    parser.add_argument("--model", default="general", help="its model")
    parser.add_argument("--foreign", action="store_true", help="has it count similarities of what is foreign to its model, too")
    parser.add_argument("--match", type=float, action="append", default=[], help="one more match to try")
    parser.add_argument("--keep", type=pathlib.Path, help="keeps the files in this new folder")
    return parser.parse_args()


def main():
    """Makes the files and measures both programs."""
    arguments = parse()
    if not arguments.pictures.is_dir():
        sys.exit(f"{arguments.pictures}: expected a folder of pictures")
    if shutil.which(arguments.siamese) is None:
        sys.exit(f"{arguments.siamese}: found no such program, expected siamese ('make build' makes it)")
    if arguments.keep and arguments.keep.exists():
        sys.exit(f"{arguments.keep}: received a folder that is there, expected a new one")
    work = pathlib.Path(tempfile.mkdtemp(prefix="dedupe-compare-"))
    try:
        folder = arguments.keep or work / "pictures"
        folder.mkdir(parents=True)
        kinds = make(arguments.pictures, folder, arguments.originals, arguments.seed)
        print(f"{len(kinds)} files: {len({family(name) for name in kinds})} pictures, each with four attacked copies; "
              f"seed {arguments.seed}; load of the machine {os.getloadavg()[0]:.1f}")
        siamese, first, again = measure_siamese(arguments, folder, work / "index", kinds)
        hashed, seconds = measure_hash(folder, kinds)
        print_comparison(siamese, hashed)
        print(f"\nseconds: siamese dedupe {first:.1f}, a second time {again:.1f}; imagededup PHash {seconds:.1f}; "
              f"load of the machine at the end {os.getloadavg()[0]:.1f}")
        print("imagededup's CNN is not compared with: its weights are in no package, and torchvision would fetch them")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
