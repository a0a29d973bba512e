"""Compares 100 pairs: each picture of a folder with those after it.

How to run: python examples/python/batch.py FOLDER [SERVER]
"""

import sys
from itertools import combinations, islice
from pathlib import Path

from siamese_client import Client


def main(folder: str, server: str = "localhost:50051") -> None:
    """Compare the first 100 pairs of a folder's files."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    pairs = list(islice(combinations(files, 2), 100))
    with Client(server) as client:
        # More pairs than the server takes at once go in several calls.
        batch = client.batch(pairs, model="auto")
    failed = 0
    for (a, b), result in zip(pairs, batch.results):
        if result.error:  # a file that is no picture fails its own pairs alone
            failed += 1
            print(f"{a.name} {b.name} {result.error.reason}: {result.error.message}")
        elif result.same:
            print(f"{a.name} {b.name} {result.similarity:.4f}")
    print(f"{len(pairs)} pairs, {failed} failed, {batch.encoded_images} pictures encoded")


if __name__ == "__main__":
    main(*sys.argv[1:])
