"""Scores files against a reference in asyncio, while other tasks go on.

How to run: python examples/python/stream_async.py REFERENCE.jpg FILE... [--server SERVER]
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from siamese_client import AsyncClient


async def frames(files: list[str]) -> AsyncIterator[Path]:
    """Yield frames as they come; here they are there already."""
    for file in files:
        yield Path(file)


async def main() -> None:
    """Stream the files that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("reference")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--server", default="localhost:50051")
    args = parser.parse_args()
    async with AsyncClient(args.server) as client:
        first = await client.compare(args.reference, args.files[0], model="auto")
        print(f"compared with {args.files[0]} alone: {first.similarity:.4f}")
        references = {"reference": args.reference}
        async with client.stream(references, frames(args.files), model="auto") as results:
            async for result in results:
                file = args.files[result.index]
                if result.error:
                    print(f"{file} {result.error.reason}: {result.error.message}")
                else:
                    print(f"{file} {result.scores[0].similarity:.4f}")


if __name__ == "__main__":
    asyncio.run(main())
