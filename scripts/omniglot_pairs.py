"""Draws labelled picture pairs from Omniglot.

What: picks a small pool of drawings from an Omniglot archive, forms as many pairs of
the same character as of different ones (half of the different ones within an
alphabet, the hard case), and writes the drawings and `pairs.tsv` to a folder. Each
drawing serves in several pairs, so the folder stays small.

The draw orders names by SHA-256 of seed and name, not by a random generator, so that
it comes out the same with every Python version and is easy to repeat elsewhere.

How to run (Python 3.9 or newer, standard library alone):

    python3 scripts/omniglot_pairs.py images_background.zip testdata/omniglot
    python3 scripts/omniglot_pairs.py images_background.zip /data/pairs --seed 7 --pairs 200

The archive is `python/images_background.zip` of https://github.com/brendenlake/omniglot.

`pairs.tsv`: no header, one pair a line, three columns divided by tabs: path_a, path_b,
same (1: the same character, 0: different ones). Paths are relative to the repository
root where the folder lies inside it, absolute otherwise.
"""

import argparse
import hashlib
import itertools
import math
import pathlib
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The golden pair of the built-in model and its counterpart: always in the pool, and
# the first pair of each kind.
GOLDEN = "Greek/character01/0394_01.png"
GOLDEN_SAME = "Greek/character01/0394_02.png"
GOLDEN_DIFFERENT = "Greek/character02/0395_01.png"
ALWAYS = (GOLDEN, GOLDEN_SAME, GOLDEN_DIFFERENT)

# Two characters of three drawings give an alphabet 6 same pairs and 9 different ones.
CHARACTERS_PER_ALPHABET = 2
DRAWINGS_PER_CHARACTER = 3
# Of those 6, 4 are counted on: the pool grows with the pairs, and the draw has a choice.
SAME_PAIRS_PER_ALPHABET = 4


def alphabet(path):
    return path.split("/")[0]


def character(path):
    return path.rsplit("/", 1)[0]


def draw(seed, names, count, first=()):
    """Returns count of names: those in first, then by the hash of seed and name."""

    def order(name):
        digest = hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
        return (name not in first, digest)

    return sorted(names, key=order)[:count]


def drawings(archive):
    """Maps the path below the archive's top folder to the member of that name."""
    found = {}
    for member in archive.namelist():
        parts = member.split("/")
        if len(parts) == 4 and parts[3].endswith(".png"):
            found["/".join(parts[1:])] = member
    return found


def pool(seed, paths, alphabets):
    """Draws alphabets, then characters of each, then drawings of each."""
    first = set(ALWAYS) | {character(p) for p in ALWAYS} | {alphabet(p) for p in ALWAYS}
    chosen = []
    for letters in draw(seed, {alphabet(p) for p in paths}, alphabets, first):
        characters = {character(p) for p in paths if alphabet(p) == letters}
        for letter in draw(seed, characters, CHARACTERS_PER_ALPHABET, first):
            own = [p for p in paths if character(p) == letter]
            chosen += draw(seed, own, DRAWINGS_PER_CHARACTER, first)
    return sorted(chosen)


def choose(seed, pairs, count, kind, first=()):
    """Draws count of pairs, or says which kind the archive is too small for."""
    named = {"\t".join(pair): pair for pair in pairs}
    if len(named) < count:
        raise SystemExit(f"{len(named)} pairs {kind} in the pool, {count} wanted: ask for fewer --pairs")
    return [named[name] for name in draw(seed, named, count, first)]


def label(seed, chosen, count):
    """Returns (a, b, same) for count same pairs, then for count different ones."""
    pairs = list(itertools.combinations(chosen, 2))
    same = [c for c in pairs if character(c[0]) == character(c[1])]
    near = [c for c in pairs if alphabet(c[0]) == alphabet(c[1]) and c not in set(same)]
    far = [c for c in pairs if alphabet(c[0]) != alphabet(c[1])]
    golden = {f"{GOLDEN}\t{GOLDEN_SAME}", f"{GOLDEN}\t{GOLDEN_DIFFERENT}"}
    return (
        [(a, b, 1) for a, b in choose(seed, same, count, "of the same character", golden)]
        + [(a, b, 0) for a, b in choose(seed, near, count - count // 2, "within an alphabet", golden)]
        + [(a, b, 0) for a, b in choose(seed, far, count // 2, "across alphabets")]
    )


def write(archive, members, pairs, out):
    """Copies the drawings that pairs name and writes pairs.tsv; returns their number."""
    used = sorted({path for a, b, _ in pairs for path in (a, b)})
    for path in used:
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(members[path]))
    base = out.resolve()
    if base.is_relative_to(ROOT):
        base = base.relative_to(ROOT)
    lines = [f"{base.joinpath(a).as_posix()}\t{base.joinpath(b).as_posix()}\t{same}\n" for a, b, same in pairs]
    (out / "pairs.tsv").write_text("".join(lines))
    return len(used)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("zip", type=pathlib.Path, help="an Omniglot archive, such as images_background.zip")
    parser.add_argument("out", type=pathlib.Path, help="folder to write to; files there are kept")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws other pairs (default 1)")
    parser.add_argument("--pairs", type=int, default=40, help="pairs of each kind (default 40)")
    args = parser.parse_args()
    if args.pairs < 1:
        parser.error(f"--pairs is {args.pairs}, expected at least 1")
    with zipfile.ZipFile(args.zip) as archive:
        members = drawings(archive)
        missing = [path for path in ALWAYS if path not in members]
        if missing:
            sys.exit(f"{args.zip}: no {missing[0]} in it, expected Omniglot's background set")
        alphabets = math.ceil(args.pairs / SAME_PAIRS_PER_ALPHABET)
        pairs = label(args.seed, pool(args.seed, members, alphabets), args.pairs)
        files = write(archive, members, pairs, args.out)
    print(f"{args.out}: {len(pairs)} pairs of {files} drawings")


if __name__ == "__main__":
    main()
