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
from collections.abc import Sequence
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
        names = ("model", "threshold", "include_prepared", "test_time_views", *more)
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

    async def gallery(self, case: dict[str, Any]) -> list[str]:
        """Run a case of galleries, step by step; a step that fails does not end it."""
        results: list[str] = []
        for step in case["steps"]:
            run = getattr(Steps, step["do"])
            name = step.get("gallery", case["gallery"])
            try:
                results += await run(Steps(self, self.client.galleries, name), step)
            except sc.SiameseError as error:
                results.append(f"error {error_text(error)}")
        return results


Texts = list[str]  # within Steps list is a call


class Steps:
    """Runs steps on one gallery."""

    def __init__(self, runner: Runner, galleries: Any, name: str) -> None:
        self.runner, self.galleries, self.name = runner, galleries, name

    @staticmethod
    def wishes(step: dict[str, Any]) -> dict[str, Any]:
        """Pick the arguments that every client has by these names."""
        taken = ("do", "gallery", "entries", "image", "id")
        return {name: value for name, value in step.items() if name not in taken}

    async def new_entries(self, step: dict[str, Any]) -> Sequence[sc.NewEntry]:
        """Turn the entries of a step into what the client takes."""
        return [
            sc.NewEntry(
                new["id"],
                await self.runner.image(new["image"]),
                new.get("thing", ""),
                new.get("metadata", {}),
            )
            for new in step["entries"]
        ]

    async def create(self, step: dict[str, Any]) -> Texts:
        """Make a gallery."""
        return [gallery_text(await value(self.galleries.create(self.name, **self.wishes(step))))]

    async def get(self, step: dict[str, Any]) -> Texts:
        """Tell of a gallery."""
        return [gallery_text(await value(self.galleries.get(self.name)))]

    async def list(self, step: dict[str, Any]) -> Texts:
        """Tell of all galleries."""
        found = await value(self.galleries.list())
        return ["galleries " + ",".join(gallery.name for gallery in found)]

    async def delete(self, step: dict[str, Any]) -> Texts:
        """Remove a gallery."""
        return [f"deleted {await value(self.galleries.delete(self.name))}"]

    async def enroll(self, step: dict[str, Any]) -> Texts:
        """Send entries in a stream."""
        kept = await value(self.galleries.enroll(self.name, await self.new_entries(step)))
        counts = (
            f"added {kept.added} replaced {kept.replaced} "
            f"unchanged {kept.unchanged} failed {kept.failed}"
        )
        return [counts, *(f"{f.index} {f.id} {error_text(f.error)}" for f in kept.failures)]

    async def enroll_batch(self, step: dict[str, Any]) -> Texts:
        """Send entries in a list."""
        kept = await value(self.galleries.enroll_batch(self.name, await self.new_entries(step)))
        return [r.status.value if r.status else error_text(r.error) for r in kept.results]

    async def remove(self, step: dict[str, Any]) -> Texts:
        """Remove entries."""
        return [f"removed {await value(self.galleries.remove(self.name, **self.wishes(step)))}"]

    async def entry(self, step: dict[str, Any]) -> Texts:
        """Ask for one entry."""
        entry = await value(self.galleries.entry(self.name, step["id"], **self.wishes(step)))
        metadata = ",".join(f"{key}={text}" for key, text in sorted(entry.metadata.items()))
        results = [
            f"{entry.id} {entry.thing} {metadata} {entry.picture_sha256} {entry.model_digest}",
            f"picture {len(entry.picture)} thumbnail {len(entry.thumbnail)}",
        ]
        return [*results, *([embedding_text(entry.embedding)] if entry.embedding else [])]

    async def entries(self, step: dict[str, Any]) -> Texts:
        """List entries."""
        found = await collect(self.galleries.entries(self.name, **self.wishes(step)))
        return ["entries " + ",".join(entry.id for entry in found)]

    async def identify(self, step: dict[str, Any]) -> Texts:
        """Say what an image shows."""
        image = await self.runner.image(step["image"])
        found = await value(self.galleries.identify(self.name, image, **self.wishes(step)))
        return [
            *(
                f"{m.thing} {m.entry.id} {m.similarity:.9g} {'same' if m.same else 'different'}"
                for m in found.matches
            ),
            f"searched {found.searched_entries}",
        ]

    async def duplicates(self, step: dict[str, Any]) -> Texts:
        """Find what is alike."""
        stream = self.galleries.duplicates(self.name, **self.wishes(step))
        groups = await collect(stream)
        return [
            *(
                ",".join(f"{one.entry.id}={one.similarity:.9g}" for one in group.entries)
                for group in groups
            ),
            f"looked at {stream.done.entries}",
        ]

    async def reindex(self, step: dict[str, Any]) -> Texts:
        """Move the gallery to a model."""
        last = (await collect(self.galleries.reindex(self.name, **self.wishes(step))))[-1]
        return [f"encoded {last.encoded} missing {last.missing} of {last.entries}"]


async def collect(iterator: Any) -> list[Any]:
    """Take all of an iterator of either kind."""
    if hasattr(iterator, "__aiter__"):
        return [each async for each in iterator]
    return list(iterator)


def gallery_text(gallery: sc.Gallery) -> str:
    """Write a gallery, without what differs from run to run."""
    kept = f"pictures={gallery.keep_pictures} thumbnails={gallery.keep_thumbnails}".lower()
    return f"{gallery.name} {gallery.model} {gallery.entries} {gallery.stale_entries} {kept}"


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
