"""Keeps the pictures of a folder in a gallery, then says which of them a picture shows.

How to run: python examples/python/gallery.py FOLDER PICTURE [SERVER]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from siamese_client import Client, NewEntry


def entries(folder: Path) -> Iterator[NewEntry]:
    """Yield entries as the server asks for them; an id is the path within the folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield NewEntry(path.relative_to(folder).as_posix(), path)


def main(folder: str, picture: str, server: str = "localhost:50051") -> None:
    """Enroll a folder, and identify a picture."""
    with Client(server) as client:
        galleries = client.galleries
        galleries.create("example", model="general", keep_thumbnails=True)
        # Entries that are there already stay as they are: this can be run again.
        kept = galleries.enroll("example", entries(Path(folder)))
        print(f"{kept.added} added, {kept.unchanged} there already")
        for failure in kept.failures:  # a file that is no picture fails alone
            print(f"{failure.id} {failure.error.reason}: {failure.error.message}")

        found = galleries.identify("example", picture, top_k=3)
        for match in found.matches:
            verdict = "same" if match.same else "different"
            print(f"{match.entry.id} {match.similarity:.4f} {verdict}")
        if found.warning:
            print(found.warning)


if __name__ == "__main__":
    main(*sys.argv[1:])
