"""Both clients on a real server, whose limits are small."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import PIL.Image
import pytest
from conftest import PHOTOS, PROGRAM, ROOT, Connect, Program

import siamese_client as sc

GREEK = ROOT / "testdata" / "omniglot" / "Greek"
CAT, COPY, HILLS = (PHOTOS / name for name in ("cat.jpg", "cat_copy.jpg", "hills.jpg"))


def test_forms_of_one_picture(server: Program, connect: Connect) -> None:
    client = connect(server.address)
    image = PIL.Image.open(GREEK / "character01" / "0394_01.png").convert("L")
    array = np.asarray(image)
    embedded = client.call("embed", [image], model="omniglot").results[0].embedding
    forms: list[Any] = [image, array, np.stack([array] * 3, axis=2), embedded]
    other = GREEK / "character01" / "0394_02.png"
    scores = {client.call("compare", f, other, model="omniglot").similarity for f in forms}
    assert max(scores) - min(scores) < 1e-6  # the same pixels; the batch may round
    assert min(scores) > 0.99


def test_pil_is_seen_as_its_file(server: Program, connect: Connect, tmp_path: Path) -> None:
    """A picture with EXIF's orientation, a palette or transparency is turned as its file."""
    client = connect(server.address)
    base = PIL.Image.open(HILLS).resize((64, 48))
    turned = tmp_path / "turned.png"
    exif = PIL.Image.Exif()
    exif[274] = 8
    base.save(turned, exif=exif)
    clear = tmp_path / "clear.png"
    base.putalpha(100)
    base.save(clear)
    for file in (turned, clear):
        got = client.call("compare", PIL.Image.open(file), file, include_prepared=True)
        assert got.prepared_a == got.prepared_b


def test_lists_are_split(server: Program, connect: Connect, tmp_path: Path) -> None:
    client = connect(server.address)
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(1_100_000))
    text = PHOTOS / "README.md"
    files = [COPY, HILLS, text, CAT, large, COPY, None]
    ranking = client.call("rank", CAT, files, top_k=3)
    assert [match.index for match in ranking.ranked] == [3, 0, 5]
    assert {f.index: (f.error.reason, f.error.field) for f in ranking.errors} == {
        2: ("IMAGE_FORMAT_UNKNOWN", "candidates[2]"),
        4: ("", "candidates[4]"),
        6: ("IMAGE_UNSET", "candidates[6]"),
    }
    embeddings = client.call("embed", files)
    assert [r.error is None for r in embeddings.results] == [
        True, True, False, True, False, True, False,
    ]  # fmt: skip
    assert embeddings.results[0].embedding == embeddings.results[5].embedding
    batch = client.call("batch", [(CAT, file) for file in files] * 10)
    assert [r.error.field if r.error else r.same for r in batch.results[63:]] == [
        True, False, "pairs[65].image_b", True, "pairs[67]", True, "pairs[69].image_b",
    ]  # fmt: skip


def test_info_and_health(server: Program, connect: Connect) -> None:
    client = connect(server.address)
    info = client.call("info", "omniglot")
    assert info.limits.max_candidates == 3
    assert info.model.serving_name == "omniglot"
    assert "jpeg" in info.limits.image_formats
    assert client.call("health", "omniglot")
    with pytest.raises(sc.SiameseError, match="MODEL_NOT_FOUND"):
        client.call("info", "none")


def test_stream(server: Program, connect: Connect) -> None:
    frames = [COPY, PHOTOS / "README.md", np.asarray(PIL.Image.open(HILLS)), CAT]
    results, references = connect(server.address).stream(
        {"cat": CAT}, frames, model="general", include_prepared=True
    )
    assert [r.error.reason if r.error else r.scores[0].same for r in results] == [
        True, "IMAGE_FORMAT_UNKNOWN", False, True,
    ]  # fmt: skip
    assert references["cat"].prepared.startswith(b"\x89PNG")
    assert results[0].prepared.startswith(b"\x89PNG")


def test_stream_survives_a_server_that_stops(connect: Connect, tmp_path: Path) -> None:
    """A stream that is told of the end goes on at the server that comes after."""
    socket = tmp_path / "s.sock"
    first = Program("--addr", f"unix:{socket}")
    after: list[Program] = []

    def restart() -> None:
        first.stop()
        after.append(Program("--addr", f"unix:{socket}"))

    other = threading.Thread(target=restart)

    def frames() -> Iterator[Path]:
        for i in range(40):
            if i == 5:
                other.start()
            if i == 20:
                other.join()  # so that both have frames to score
            yield CAT

    retry = sc.RetryPolicy(attempts=60, initial_delay=0.2, max_delay=2)
    client = connect(f"unix:{socket}", retry=retry)
    try:
        results, _ = client.stream({"cat": CAT}, frames(), window=1)
    finally:
        other.join()
        for program in after:
            program.stop()
    assert [r.index for r in results] == list(range(40))
    assert all(r.error is None and r.scores[0].same for r in results)


def test_galleries(server: Program, connect: Connect) -> None:
    """What is enrolled is found, listed, removed; failures have their place."""
    client = connect(server.address)
    name = f"test-{client.kind}"
    made = client.gallery("create", name, model="general", keep_pictures=True)
    assert (made.name, made.model, made.entries) == (name, "general", 0)
    array = np.asarray(PIL.Image.open(HILLS))
    entries = [
        sc.NewEntry("cat", CAT, "cat", {"from": "file"}),
        sc.NewEntry("text", PHOTOS / "README.md"),
        sc.NewEntry("copy", PIL.Image.open(COPY), "cat"),
        sc.NewEntry("much", CAT, metadata={"k": "v" * 1025}),
        sc.NewEntry("hills", array),
    ]
    kept = client.gallery("enroll", name, iter(entries))
    assert (kept.added, kept.failed) == (3, 2)
    assert [(f.id, f.index, f.error.reason) for f in kept.failures] == [
        ("text", 1, "IMAGE_FORMAT_UNKNOWN"), ("much", 3, "ENTRY_METADATA"),
    ]  # fmt: skip
    batch = client.gallery("enroll_batch", name, [*entries, sc.NewEntry("", CAT)])
    assert [r.status or r.error.field for r in batch.results] == [
        sc.EnrollStatus.UNCHANGED, "entries[1].image", sc.EnrollStatus.UNCHANGED,
        "entries[3].metadata", sc.EnrollStatus.UNCHANGED, "entries[5].id",
    ]  # fmt: skip
    found = client.gallery("identify", name, CAT)
    assert [(m.thing, m.same) for m in found.matches] == [("cat", True), ("hills", False)]
    same = client.call("compare", CAT, PHOTOS / f"{found.matches[0].entry.id}.jpg")
    assert found.matches[0].similarity == pytest.approx(same.similarity, abs=1e-6)
    listed, _ = client.all("entries", name, page_size=2)
    assert [entry.id for entry in listed] == ["cat", "copy", "hills"]
    whole = client.gallery("entry", name, "cat", include_picture=True, include_embedding=True)
    assert whole.picture == CAT.read_bytes()
    assert (whole.metadata, whole.enrolled.tzinfo is not None) == ({"from": "file"}, True)
    by_embedding = client.gallery("identify", name, whole.embedding, top_k=1)
    assert [m.entry.id for m in by_embedding.matches] == ["cat"]
    groups, stream = client.all("duplicates", name)
    assert [{one.entry.id for one in group.entries} for group in groups] == [{"cat", "copy"}]
    assert stream.done == sc.DuplicatesDone(3, 1)
    told, _ = client.all("reindex", name)
    assert (told[-1].done, told[-1].encoded, told[-1].missing) == (True, 3, 0)
    assert client.gallery("remove", name, ids=["hills", "none"], things=["cat"]) == 3
    with pytest.raises(sc.SiameseError, match="ENTRY_NOT_FOUND"):
        client.gallery("entry", name, "cat")
    assert name in [gallery.name for gallery in client.gallery("list")]
    assert client.gallery("delete", name) == 0
    for wrong, reason in ((name, "GALLERY_NOT_FOUND"), ("No Name", "GALLERY_NAME")):
        with pytest.raises(sc.SiameseError, match=reason):
            client.gallery("get", wrong)


def test_one_client_in_many_threads_and_tasks(server: Program) -> None:
    with sc.Client(server.address) as client:
        found: list[float] = []

        def compare() -> None:
            found.extend(client.compare(CAT, COPY).similarity for _ in range(5))

        threads = [threading.Thread(target=compare) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 40
    assert max(found) - min(found) < 1e-6

    async def many() -> list[sc.Comparison]:
        async with sc.AsyncClient(server.address) as client:
            return await asyncio.gather(*(client.compare(CAT, COPY) for _ in range(40)))

    assert {answer.same for answer in asyncio.run(many())} == {True}


def test_tls_and_token(connect: Connect, tmp_path: Path) -> None:
    """A server with an own authority that asks for a certificate and a token."""
    made = tmp_path / "made"
    subprocess.run([ROOT / "scripts" / "make-certificates.sh", made], check=True)
    token = tmp_path / "token"
    listed = subprocess.run(
        [PROGRAM, "token", "tester", "--out", token], check=True, capture_output=True
    )
    tokens = tmp_path / "tokens"
    tokens.write_bytes(listed.stdout)
    server = Program(
        "--tls-cert", str(made / "server.pem"), "--tls-key", str(made / "server.key"),
        "--tls-client-ca", str(made / "ca.pem"), "--tokens", str(tokens),
    )  # fmt: skip
    try:
        address = server.address.replace("127.0.0.1", "localhost")
        key = (made / "client.key").read_bytes()
        files: dict[str, Any] = {"certificate": made / "client.pem", "key": key}
        tls = sc.TLS(ca=made / "ca.pem", **files)
        secret = token.read_text().strip()
        client = connect(f"https://{address}", tls=tls, token=secret)
        assert client.call("compare", CAT, COPY).same
        for wrong, code in (
            ({"tls": tls, "token": "another"}, grpc.StatusCode.UNAUTHENTICATED),
            ({"tls": sc.TLS(**files), "token": secret}, grpc.StatusCode.UNAVAILABLE),
            ({"tls": sc.TLS(ca=made / "ca.pem"), "token": secret}, grpc.StatusCode.UNAVAILABLE),
            ({"token": secret}, grpc.StatusCode.UNAVAILABLE),
        ):
            with pytest.raises(sc.SiameseError) as caught:
                connect(address, retry=None, **wrong).call("compare", CAT, COPY)
            assert caught.value.code is code
    finally:
        server.stop()
