"""Scores files against a reference as they come; one that fails does not end the stream.

How to run: python examples/python/stream.py REFERENCE.jpg FILE... [--server SERVER]
"""

import argparse

from siamese_client import Client


def main() -> None:
    """Stream the files that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reference")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--server", default="localhost:50051")
    args = parser.parse_args()
    frames = (open_file(file) for file in args.files)  # a camera's frames as well
    with Client(args.server) as client:
        # Without "with" where all results are taken, as here.
        for result in client.stream({"reference": args.reference}, frames, model="auto"):
            file = args.files[result.index]
            if result.error:
                print(f"{file} {result.error.reason}: {result.error.message}")
            else:
                score = result.scores[0]
                print(f"{file} {score.similarity:.4f} {'same' if score.same else 'different'}")


def open_file(path: str) -> bytes:
    """Read a frame."""
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main()
