"""Says how alike two pictures are.

How to run: python examples/python/compare.py A.jpg B.jpg [SERVER]
"""

import sys

from siamese_client import Client, SiameseError


def main(a: str, b: str, server: str = "localhost:50051") -> None:
    """Compare the pictures of two files."""
    with Client(server) as client:
        try:
            answer = client.compare(a, b, model="auto")
        except (SiameseError, OSError) as error:  # OSError: a file that can't be read
            # For programs: a SiameseError's field is the picture at fault, such as image_b.
            sys.exit(str(error))
    verdict = "same" if answer.same else "different"
    print(f"{answer.similarity:.4f} {verdict} ({answer.model.name})")
    if answer.warning:
        print(answer.warning, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
