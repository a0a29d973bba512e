"""Calls of galleries by both clients on a service in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

import grpc
import pytest
from conftest import Connect, Service, serve
from google.protobuf import timestamp_pb2
from test_calls import FAST, Served, busy, refuse, with_limits

import siamese_client as sc
from siamese_client._gen.siamese.v1 import common_pb2, gallery_pb2, image_pb2

TIME = timestamp_pb2.Timestamp(seconds=1_700_000_000)
DATE = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
ENTRY = gallery_pb2.Entry(
    id="a",
    thing="cup",
    metadata={"k": "v"},
    picture_sha256="s",
    model_digest="d",
    enrolled=TIME,
    familiarity=common_pb2.Familiarity(value=0.5),
    thumbnail_jpeg=b"T",
    picture=b"P",
    embedding=image_pb2.Embedding(values=[1, 2], model_digest="d"),
)
WANT_ENTRY = sc.Entry(
    id="a",
    thing="cup",
    metadata={"k": "v"},
    picture_sha256="s",
    model_digest="d",
    enrolled=DATE,
    familiarity=sc.Familiarity(0.5, False),
    thumbnail=b"T",
    picture=b"P",
    embedding=sc.Embedding((1.0, 2.0), "d"),
)
BARE = sc.Entry("b", "", {}, "", "", None)
GALLERY = gallery_pb2.Gallery(
    name="g",
    model="m",
    reference=common_pb2.ModelReference(name="n", version="1", digest="d"),
    entries=5,
    stale_entries=2,
    keep_pictures=True,
    created=TIME,
    reindexing=True,
)
WANT_GALLERY = sc.Gallery("g", "m", sc.ModelReference("n", "1", "d"), 5, 2, True, False, DATE, True)


def answers(fake: Service, method: str, reply: Any) -> None:
    fake.handlers[method] = lambda request, context: reply


def unavailable(context: Any) -> None:
    refuse(context, grpc.StatusCode.UNAVAILABLE, "no")


def test_galleries_themselves(service: Served, connect: Connect) -> None:
    fake, address = service
    answers(fake, "CreateGallery", gallery_pb2.CreateGalleryResponse(gallery=GALLERY))
    answers(fake, "GetGallery", gallery_pb2.GetGalleryResponse(gallery=GALLERY))
    answers(fake, "ListGalleries", gallery_pb2.ListGalleriesResponse(galleries=[GALLERY]))
    answers(fake, "DeleteGallery", gallery_pb2.DeleteGalleryResponse(entries=7))
    client = connect(address, token="secret")
    made = client.gallery("create", "g", model="m", keep_pictures=True, keep_thumbnails=True)
    assert made == WANT_GALLERY
    assert client.gallery("get", "g") == WANT_GALLERY
    assert client.gallery("list") == (WANT_GALLERY,)
    assert client.gallery("delete", "g") == 7
    assert [request for _, request in fake.requests] == [
        gallery_pb2.CreateGalleryRequest(
            gallery="g", model="m", keep_pictures=True, keep_thumbnails=True
        ),
        gallery_pb2.GetGalleryRequest(gallery="g"),
        gallery_pb2.ListGalleriesRequest(),
        gallery_pb2.DeleteGalleryRequest(gallery="g"),
    ]
    assert {shown["authorization"] for shown in fake.metadata} == {"Bearer secret"}


def test_entry_and_remove(service: Served, connect: Connect) -> None:
    fake, address = service
    answers(fake, "GetEntry", gallery_pb2.GetEntryResponse(entry=ENTRY))
    answers(fake, "RemoveEntries", gallery_pb2.RemoveEntriesResponse(removed=3))
    client = connect(address)
    assert client.gallery("entry", "g", "a", include_picture=True) == WANT_ENTRY
    assert client.gallery("remove", "g", ids=iter(["a", "b"]), things=["cup"]) == 3
    assert [request for _, request in fake.requests] == [
        gallery_pb2.GetEntryRequest(gallery="g", id="a", include_picture=True),
        gallery_pb2.RemoveEntriesRequest(gallery="g", ids=["a", "b"], things=["cup"]),
    ]
    with pytest.raises(TypeError, match="received the text 'cup' as things"):
        client.gallery("remove", "g", things="cup")
    answers(fake, "GetEntry", gallery_pb2.GetEntryResponse())
    with pytest.raises(sc.SiameseError, match="INTERNAL: received an answer without its entry"):
        client.gallery("entry", "g", "a")
    assert len(fake.requests_of("RemoveEntries")) == 1


def test_entries_of_all_pages(service: Served, connect: Connect) -> None:
    fake, address = service
    pages = {
        "": gallery_pb2.ListEntriesResponse(entries=[ENTRY], next_page_token="1"),
        "1": gallery_pb2.ListEntriesResponse(next_page_token="2"),  # empty, and not the last
        "2": gallery_pb2.ListEntriesResponse(entries=[gallery_pb2.Entry(id="b")]),
    }

    def handle(request: Any, context: Any) -> Any:
        if len(fake.requests) == 2:
            busy(context, 0.001)
        return pages[request.page_token]

    fake.handlers["ListEntries"] = handle
    wishes: dict[str, Any] = {
        "filter": {"k": "v"}, "thing": "cup", "stale_only": True, "include_thumbnails": True,
        "page_size": 3,
    }  # fmt: skip
    found, _ = connect(address, retry=FAST).all("entries", "g", **wishes)
    assert found == [WANT_ENTRY, BARE]
    assert fake.requests_of("ListEntries") == [
        gallery_pb2.ListEntriesRequest(gallery="g", page_token=token, **wishes)
        for token in ("", "1", "1", "2")
    ]


def test_identify(service: Served, connect: Connect, tmp_path: Path) -> None:
    fake, address = service
    reply = gallery_pb2.IdentifyResponse(
        threshold=0.5,
        model=common_pb2.ModelReference(name="n", version="1", digest="d"),
        familiarity=common_pb2.Familiarity(value=0.25, foreign=True),
        warning="foreign",
        searched_entries=9,
    )
    reply.matches.add(thing="cup", entry=ENTRY, similarity=0.75, same=True)
    reply.timings.total.seconds = 2
    answers(fake, "Identify", reply)
    client = connect(address)
    wishes: dict[str, Any] = {
        "top_k": 4, "min_similarity": 0.25, "filter": {"k": "v"}, "threshold": 0.5,
        "include_thumbnails": True,
    }  # fmt: skip
    picture = tmp_path / "p"
    picture.write_bytes(b"x")
    assert client.gallery("identify", "g", picture, **wishes) == sc.Identification(
        matches=(sc.ThingMatch("cup", WANT_ENTRY, 0.75, True),),
        threshold=0.5,
        model=sc.ModelReference("n", "1", "d"),
        familiarity=sc.Familiarity(0.25, True),
        warning="foreign",
        timings=sc.Timings(total=2.0),
        searched_entries=9,
    )
    client.gallery("identify", "g", sc.Embedding([1.0], "d"))
    first, second = fake.requests_of("Identify")
    image = image_pb2.Image(encoded=b"x")
    assert first == gallery_pb2.IdentifyRequest(gallery="g", image=image, **wishes)
    assert list(second.image.embedding.values) == [1.0]
    assert not second.HasField("threshold")
    with pytest.raises(FileNotFoundError):
        client.gallery("identify", "g", tmp_path / "none")


def new_entries(count: int) -> list[sc.NewEntry]:
    return [sc.NewEntry(str(i), b"x", f"t{i}", {"k": str(i)}) for i in range(count)]


def test_enroll_batch_is_split(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)

    def handle(request: Any, context: Any) -> Any:
        reply = gallery_pb2.BatchEnrollResponse()
        reply.timings.total.seconds = 1
        for i, entry in enumerate(request.entries):
            result = reply.results.add()
            if entry.id == "4":
                result.error.code = 3
                result.error.reason = "ENTRY_ID"
                result.error.field = f"entries[{i}].id"
            else:
                result.status = gallery_pb2.ENROLL_STATUS_REPLACED
                result.familiarity.value = 0.5
                result.warning = "w"
        return reply

    fake.handlers["BatchEnroll"] = handle
    entries = new_entries(6)
    entries[1] = sc.NewEntry("large", bytes(10_001))
    kept = connect(address).gallery("enroll_batch", "g", iter(entries))
    good = sc.EnrollResult(sc.EnrollStatus.REPLACED, sc.Familiarity(0.5, False), "w")
    assert [kept.results[i] for i in (0, 2, 3, 5)] == [good] * 4
    errors = [kept.results[i].error for i in (1, 4)]
    assert [(e.code.name, e.reason, e.field) for e in errors] == [
        ("RESOURCE_EXHAUSTED", "", "entries[1]"),
        ("INVALID_ARGUMENT", "ENTRY_ID", "entries[4].id"),
    ]
    assert kept.timings.total == 3.0
    requests = fake.requests_of("BatchEnroll")
    assert [[e.id for e in r.entries] for r in requests] == [["0", "2"], ["3", "4"], ["5"]]
    assert requests[0].entries[0] == gallery_pb2.NewEntry(
        id="0", thing="t0", metadata={"k": "0"}, image=image_pb2.Image(encoded=b"x")
    )


class Enrolling:
    """Takes the entries of Enroll, and fails those without an image."""

    def __init__(self, fake: Service) -> None:
        self.calls: list[list[Any]] = []
        fake.handlers["Enroll"] = self.enroll

    def enroll(self, requests: Any, context: Any) -> Any:
        self.calls.append(seen := [])
        reply = gallery_pb2.EnrollResponse(unchanged=1, replaced=2)
        for request in requests:
            seen.append(request)
            if not request.HasField("entry"):
                continue
            if request.entry.image.WhichOneof("source"):
                reply.added += 1
                continue
            reply.failed += 1
            failure = reply.failures.add(id=request.entry.id, index=len(seen) - 2)
            failure.error.code = 3
            failure.error.reason = "IMAGE_UNSET"
            failure.error.field = "entry.image"
        return reply


def test_enroll(service: Served, connect: Connect) -> None:
    fake, address = service
    enrolling = Enrolling(fake)
    entries = new_entries(50)
    entries[7] = sc.NewEntry("none", None)
    kept = connect(address).gallery("enroll", "g", (entry for entry in entries))
    assert (kept.added, kept.replaced, kept.unchanged, kept.failed) == (49, 2, 1, 1)
    (failure,) = kept.failures
    assert (failure.id, failure.index, failure.error.reason) == ("none", 7, "IMAGE_UNSET")
    (seen,) = enrolling.calls
    assert seen[0] == gallery_pb2.EnrollRequest(gallery="g")
    assert [request.entry.id for request in seen[1:]] == [entry.id for entry in entries]
    assert connect(address).gallery("enroll", "g", []).added == 0


def test_enroll_of_an_asynchronous_iterable(service: Served) -> None:
    fake, address = service
    Enrolling(fake)

    async def entries() -> AsyncIterator[sc.NewEntry]:
        for entry in new_entries(3):
            await asyncio.sleep(0)
            yield entry

    async def enroll() -> sc.Enrollment:
        async with sc.AsyncClient(address) as client:
            return await client.galleries.enroll("g", entries())

    assert asyncio.run(enroll()).added == 3


def fails_after(entries: list[Any], failure: BaseException) -> Iterator[Any]:
    yield from entries
    raise failure


@pytest.mark.parametrize(
    ("entries", "raised"),
    [
        (fails_after, ZeroDivisionError("own")),
        (fails_after, sc.SiameseError(grpc.StatusCode.UNAVAILABLE, "own")),
        (fails_after, grpc.RpcError("own")),
        (None, TypeError("received a int as an entry, expected a NewEntry")),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 3])
def test_enroll_raises_what_the_iterable_does(
    service: Served, connect: Connect, entries: Any, raised: Exception, before: int
) -> None:
    """It is raised as it is, at any place, and ends the call."""
    fake, address = service
    Enrolling(fake)
    given = new_entries(before)
    iterable = entries(given, raised) if entries else [*given, 7]
    with pytest.raises(type(raised)) as caught:
        connect(address, retry=FAST).gallery("enroll", "g", iterable)
    assert caught.value is raised or str(caught.value) == str(raised)
    assert len(fake.requests_of("Enroll")) <= 1


class Starting(sc.RetryPolicy):
    """Starts a server when a call has failed for the first time."""

    start: Callable[[], Any]

    def wait(self, error: sc.SiameseError, attempt: int) -> float | None:
        if attempt == 1:
            self.start()
        return super().wait(error, attempt)


def test_enroll_waits_for_a_server_that_comes(connect: Connect, tmp_path: Path) -> None:
    """The call is made again, and no entry is lost, where there is no server at first."""
    fake, address = Service(), f"unix:{tmp_path}/s.sock"
    enrolling = Enrolling(fake)
    servers: list[grpc.Server] = []

    def start() -> None:
        servers.append(serve(fake, address))  # which begins to listen
        servers[0].start()

    retry = Starting(attempts=1000, initial_delay=0.01, max_delay=0.05)
    object.__setattr__(retry, "start", start)  # a policy is frozen
    backoff = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100)]
    client = connect(address, retry=retry, channel_options=backoff)
    try:
        kept = client.gallery("enroll", "g", iter(new_entries(3)))
    finally:
        for other in servers:
            other.stop(None).wait()
    assert (kept.added, len(servers)) == (3, 1)
    assert [request.entry.id for request in enrolling.calls[-1][1:]] == ["0", "1", "2"]


def test_enroll_is_not_repeated_under_way(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(requests: Any, context: Any) -> None:
        for _ in range(3):  # the opening and two entries
            next(requests)
        unavailable(context)

    fake.handlers["Enroll"] = handle
    with pytest.raises(sc.SiameseError, match="UNAVAILABLE: no"):
        connect(address, retry=FAST).gallery("enroll", "g", new_entries(5))
    assert len(fake.requests) == 1


def test_enroll_ends_with_its_time(service: Served, connect: Connect) -> None:
    """An iterable that has no entry to give does not hold up the end of the call."""
    fake, address = service
    Enrolling(fake)
    over = threading.Event()

    def entries() -> Iterator[sc.NewEntry]:
        yield from new_entries(1)
        over.wait()

    try:
        with pytest.raises(sc.SiameseError) as caught:
            connect(address).gallery("enroll", "g", entries(), timeout=0.2)
    finally:
        over.set()
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


DONE = gallery_pb2.FindDuplicatesResponse(done=gallery_pb2.DuplicatesDone(entries=9, groups=1))
GROUP = gallery_pb2.FindDuplicatesResponse(
    group=gallery_pb2.DuplicateGroup(
        entries=[gallery_pb2.DuplicateEntry(entry=ENTRY, similarity=0.5)], omitted_entries=3
    )
)
WANT_GROUP = sc.DuplicateGroup((sc.Duplicate(WANT_ENTRY, 0.5),), 3)


def test_duplicates(service: Served, connect: Connect) -> None:
    """The call is made again before its first answer."""
    fake, address = service

    def handle(request: Any, context: Any) -> Iterator[Any]:
        if len(fake.requests) == 1:
            busy(context, 0.001)
        if len(fake.requests) == 2:
            unavailable(context)
        yield from (GROUP, DONE)

    fake.handlers["FindDuplicates"] = handle
    wishes: dict[str, Any] = {"threshold": 0.5, "filter": {"k": "v"}, "across_things": True}
    groups, stream = connect(address, retry=FAST).all("duplicates", "g", **wishes)
    assert groups == [WANT_GROUP]
    assert stream.done == sc.DuplicatesDone(9, 1)
    assert (
        fake.requests_of("FindDuplicates")
        == [gallery_pb2.FindDuplicatesRequest(gallery="g", **wishes)] * 3
    )


def test_reindex(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["Reindex"] = lambda request, context: iter(
        (
            gallery_pb2.ReindexResponse(encoded=0, entries=9),
            gallery_pb2.ReindexResponse(
                encoded=7, missing=2, entries=9, done=True, missing_ids=["a", "b"]
            ),
        )
    )
    told, _ = connect(address).all("reindex", "g", model="m")
    assert told == [
        sc.ReindexProgress(0, 0, 9, False),
        sc.ReindexProgress(7, 2, 9, True, ("a", "b")),
    ]
    assert fake.requests_of("Reindex") == [gallery_pb2.ReindexRequest(gallery="g", model="m")]


@pytest.mark.parametrize(
    ("messages", "want"),
    [
        ([GROUP], "INTERNAL: received the end of the answers"),
        ([], "INTERNAL: received the end of the answers"),
        ([GROUP, gallery_pb2.FindDuplicatesResponse()], "INTERNAL: received a message with noth"),
        ([GROUP, None], "UNAVAILABLE: no"),
    ],
)
def test_answers_that_break(
    service: Served, connect: Connect, messages: list[Any], want: str
) -> None:
    """After the first answer nothing is repeated."""
    fake, address = service

    def handle(request: Any, context: Any) -> Iterator[Any]:
        for message in messages:
            if message is None:
                unavailable(context)
            yield message

    fake.handlers["FindDuplicates"] = handle
    with pytest.raises(sc.SiameseError, match=want):
        connect(address, retry=FAST).all("duplicates", "g")
    assert len(fake.requests) == 1


def endless(fake: Service) -> threading.Event:
    """Let FindDuplicates send groups without an end; the event tells that it was ended."""
    ended = threading.Event()

    def handle(request: Any, context: Any) -> Iterator[Any]:
        context.add_callback(ended.set)
        while not ended.is_set():
            yield GROUP

    fake.handlers["FindDuplicates"] = handle
    return ended


def test_leaving_the_answers_ends_the_call(service: Served) -> None:
    fake, address = service
    ended = endless(fake)
    with sc.Client(address) as client:
        with client.galleries.duplicates("g") as groups:
            assert next(groups) == WANT_GROUP
        assert ended.wait(10)
        assert list(groups) == []
    assert groups.done is None


def test_leaving_the_answers_ends_the_call_in_asyncio(service: Served) -> None:
    fake, address = service
    ended = endless(fake)

    async def leave() -> list[sc.DuplicateGroup]:
        async with sc.AsyncClient(address) as client:
            async with client.galleries.duplicates("g") as groups:
                assert await groups.__anext__() == WANT_GROUP
            assert await asyncio.to_thread(ended.wait, 10)
            return [group async for group in groups]

    assert asyncio.run(leave()) == []


def test_what_is_no_argument(service: Served, connect: Connect) -> None:
    """It is refused here, before anything is sent."""
    fake, address = service
    Enrolling(fake)
    client = connect(address)
    for name, more in (
        ("entries", {"page_size": -1}),
        ("entries", {"timeout": 0}),
        ("duplicates", {"timeout": -1}),
        ("reindex", {"timeout": float("nan")}),
    ):
        with pytest.raises(ValueError, match=r"received a timeout|out of range"):
            client.all(name, "g", **more)
    with pytest.raises(ValueError, match="timeout"):
        client.gallery("enroll", "g", [], timeout=-3)
    with pytest.raises(TypeError):
        client.gallery("enroll", "g", [sc.NewEntry(7, b"x")])  # type: ignore[arg-type]
    assert not [name for name, _ in fake.requests if name != "Enroll"]
