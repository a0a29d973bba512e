"""The runner of testdata/conformance for this client: a line of JSON a case.

How to run: python conformance.py GRPC_ADDRESS HTTP_ADDRESS CASES_FILE [aio]
With "aio" the calls are AsyncClient's, else Client's.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import struct
import sys
from pathlib import Path
from typing import Any

import siamese_client as sc


def error_text(error: sc.SiameseError | None) -> str:
    """Write an error as CODE/REASON/FIELD."""
    if error is None:
        raise AssertionError("an item has neither a result nor an error")
    return f"{error.code.name}/{error.reason}/{error.field}"


def score_text(score: Any) -> str:
    """Write a score: similarity, verdict, whether the pictures came back."""
    prepared = " prepared" if score.prepared_a and score.prepared_b else ""
    return f"{score.similarity:.9g} {'same' if score.same else 'different'}{prepared}"


async def value(result: Any) -> Any:
    """Wait for what an AsyncClient returns; what a Client returns is there."""
    return await result if inspect.isawaitable(result) else result


class Runner:
    """Runs cases by one client of either kind."""

    def __init__(self, client: sc.Client | sc.AsyncClient, folder: Path) -> None:
        self.client: Any = client
        self.folder = folder

    async def run(self, case: dict[str, Any]) -> dict[str, Any]:
        """Run a case and return its line."""
        try:
            return {"case": case["case"], "results": await getattr(self, case["call"])(case)}
        except sc.SiameseError as error:
            return {"case": case["case"], "error": error_text(error)}

    async def image(self, picture: Any) -> sc.ImageLike:
        """Turn a picture of a case into what the client takes."""
        if picture is None:
            return None
        if isinstance(picture, str):
            return self.folder / picture
        if "raw" in picture:
            data = (self.folder / picture["raw"]).read_bytes()
            return sc.RawPixels(picture["width"], picture["height"], data, picture["format"])
        if "reference" in picture:
            return sc.Reference(picture["reference"])
        file = self.folder / picture["embedding_of"]
        result = await value(self.client.embed([file], model=picture.get("model", "")))
        embedding = result.results[0].embedding
        if embedding is None:
            raise result.results[0].error
        return sc.Embedding(embedding.values[: picture.get("keep")], embedding.model_digest)

    async def images(self, pictures: list[Any]) -> list[sc.ImageLike]:
        """Turn pictures of a case into what the client takes."""
        return [await self.image(picture) for picture in pictures]

    @staticmethod
    def wishes(case: dict[str, Any], *more: str) -> dict[str, Any]:
        """Pick the optional arguments that the case has."""
        names = ("model", "threshold", "include_prepared", *more)
        return {name: case[name] for name in names if name in case}

    async def compare(self, case: dict[str, Any]) -> list[str]:
        """Run a case of compare."""
        a, b = await self.images([case["a"], case["b"]])
        return [score_text(await value(self.client.compare(a, b, **self.wishes(case))))]

    async def batch(self, case: dict[str, Any]) -> list[str]:
        """Run a case of batch."""
        pairs = [await self.images(pair) for pair in case["pairs"]]
        batch = await value(self.client.batch(pairs, **self.wishes(case)))
        return [error_text(r.error) if r.error else score_text(r) for r in batch.results]

    async def rank(self, case: dict[str, Any]) -> list[str]:
        """Run a case of rank."""
        query, *candidates = await self.images([case["query"], *case["candidates"]])
        wishes = self.wishes(case, "top_k", "min_similarity")
        ranking = await value(self.client.rank(query, candidates, **wishes))
        return [
            *(
                f"{c.index} {c.similarity:.9g} {'same' if c.same else 'different'}"
                for c in ranking.ranked
            ),
            *(f"{failed.index} {error_text(failed.error)}" for failed in ranking.errors),
        ]

    async def embed(self, case: dict[str, Any]) -> list[str]:
        """Run a case of embed."""
        images = await self.images(case["images"])
        embeddings = await value(self.client.embed(images, **self.wishes(case)))
        return [
            error_text(r.error) if r.embedding is None else embedding_text(r.embedding)
            for r in embeddings.results
        ]

    async def stream(self, case: dict[str, Any]) -> list[str]:
        """Run a case of stream."""
        references = {
            name: await self.image(picture) for name, picture in sorted(case["references"].items())
        }
        frames = await self.images(case["frames"])
        stream = self.client.stream(
            references, frames, window=1, keep_bad_references=True, **self.wishes(case)
        )
        if isinstance(stream, sc.CompareStream):
            results = list(stream)
        else:
            results = [result async for result in stream]
        return [
            *(
                f"{name} {'ok' if r.error is None else error_text(r.error)}"
                for name, r in sorted(stream.references.items())
            ),
            *(frame_text(result) for result in results),
        ]

    async def info(self, case: dict[str, Any]) -> list[str]:
        """Run a case of info."""
        info = await value(self.client.info(**self.wishes(case)))
        model = info.model
        first = f"{model.reference.name} {model.reference.digest} {model.embedding_length}"
        return [first, *(served.reference.name for served in info.models)]


def embedding_text(embedding: sc.Embedding) -> str:
    """Write an embedding: how many values, and their hash."""
    data = struct.pack(f"<{len(embedding.values)}f", *embedding.values)
    return f"{len(embedding.values)} {hashlib.sha256(data).hexdigest()}"


def frame_text(result: sc.FrameResult) -> str:
    """Write what became of a frame."""
    if result.error:
        return error_text(result.error)
    scores = sorted(result.scores, key=lambda score: score.reference)
    return " ".join(f"{score.reference}={score.similarity:.9g}" for score in scores)


async def main(address: str, cases_file: str, kind: str) -> None:
    """Run all cases of a file."""
    cases = json.loads(Path(cases_file).read_text())
    client = sc.AsyncClient(address) if kind == "aio" else sc.Client(address)
    runner = Runner(client, Path(cases_file).parent)
    for case in cases:
        print(json.dumps(await runner.run(case)), flush=True)
    await value(client.close())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else ""))
