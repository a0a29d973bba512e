"""Calls of both clients on a service in this process."""

from __future__ import annotations

import pickle
from typing import Any

import grpc
import pytest
from conftest import Connect, Service
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

import siamese_client as sc
from siamese_client._gen.siamese.v1 import common_pb2, compare_pb2, embed_pb2, info_pb2, rank_pb2

Served = tuple[Service, str]
FAST = sc.RetryPolicy(attempts=4, initial_delay=0.001, max_delay=0.01)


def refuse(context: Any, code: Any, message: str, *details: Any) -> None:
    """End a call as the real server does."""
    packed = []
    for detail in details:
        one = any_pb2.Any()
        one.Pack(detail)
        packed.append(one)
    number = code_pb2.Code.Value(code.name)
    status = status_pb2.Status(code=number, message=message, details=packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


def busy(context: Any, seconds: float) -> None:
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(int(seconds * 1e9))
    refuse(
        context,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "full",
        error_details_pb2.ErrorInfo(reason="QUEUE_FULL", domain="siamese.v1"),
        error_details_pb2.RetryInfo(retry_delay=delay),
    )


def with_limits(service: Service) -> None:
    reply = info_pb2.GetServerInfoResponse(
        limits=info_pb2.Limits(
            max_message_bytes=10_000, max_pairs=2, max_candidates=2, max_images=2
        )
    )
    service.handlers["GetServerInfo"] = lambda request, context: reply


def test_compare(service: Served, connect: Connect) -> None:
    fake, address = service
    fake.handlers["Compare"] = lambda request, context: compare_pb2.CompareResponse(
        similarity=0.25,
        same=True,
        threshold=0.125,
        model=common_pb2.ModelReference(name="m", version="1", digest="d"),
        familiarity_a=common_pb2.Familiarity(value=0.5, foreign=True),
        warning="foreign",
        prepared_a_png=b"A",
        timings=common_pb2.Timings(total=duration_pb2.Duration(seconds=1, nanos=500_000_000)),
    )
    client = connect(address, token="secret")
    answer = client.call("compare", b"a", b"b", model="m", threshold=0.125, include_prepared=True, test_time_views=5)
    assert answer == sc.Comparison(
        similarity=0.25,
        same=True,
        threshold=0.125,
        model=sc.ModelReference("m", "1", "d"),
        familiarity_a=sc.Familiarity(0.5, True),
        familiarity_b=None,
        warning="foreign",
        prepared_a=b"A",
        prepared_b=b"",
        timings=sc.Timings(total=1.5),
    )
    (request,) = fake.requests_of("Compare")
    assert (request.image_a.encoded, request.image_b.encoded) == (b"a", b"b")
    assert request.options == common_pb2.CompareOptions(
        model="m", threshold=0.125, include_prepared=True, test_time_views=5
    )
    assert fake.metadata[0]["authorization"] == "Bearer secret"
    assert fake.metadata[0]["user-agent"].startswith("siamese-client-python/")
    client.call("compare", b"a", b"b")
    assert not fake.requests_of("Compare")[1].options.HasField("threshold")


def test_errors_tell_all(service: Served, connect: Connect) -> None:
    fake, address = service
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="image_b", description="empty")
    fake.handlers["Compare"] = lambda request, context: refuse(
        context,
        grpc.StatusCode.INVALID_ARGUMENT,
        "image_b: empty",
        error_details_pb2.ErrorInfo(reason="IMAGE_EMPTY", metadata={"limit": "7"}),
        bad,
    )
    with pytest.raises(sc.SiameseError) as caught:
        connect(address).call("compare", b"a", b"")
    error = caught.value
    for one in (error, pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert one.code is grpc.StatusCode.INVALID_ARGUMENT
        assert (one.reason, one.field, one.metadata) == ("IMAGE_EMPTY", "image_b", {"limit": "7"})
        assert (str(one), one.retry_delay) == ("IMAGE_EMPTY: image_b: empty", None)
    assert len(fake.requests) == 1  # nothing was repeated


def test_details_that_cannot_be_read(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(request: Any, context: Any) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff"),))
        context.abort(grpc.StatusCode.INTERNAL, "oops")

    fake.handlers["Compare"] = handle
    with pytest.raises(sc.SiameseError, match="INTERNAL: oops"):
        connect(address).call("compare", b"a", b"b")


def test_retry_as_the_server_asks(service: Served, connect: Connect) -> None:
    fake, address = service

    def handle(request: Any, context: Any) -> Any:
        if len(fake.requests) < 3:
            busy(context, 0.005)
        return compare_pb2.CompareResponse(similarity=0.5)

    fake.handlers["Compare"] = handle
    assert connect(address, retry=FAST).call("compare", b"a", b"b").similarity == 0.5
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    ("options", "delay", "code", "want"),
    [
        ({"retry": FAST}, 0.001, None, 4),  # bounded
        ({"retry": None}, 0.001, None, 1),  # off
        ({"retry": FAST}, 5.0, None, 1),  # asks for more than max_delay
        ({"retry": sc.RetryPolicy(max_delay=60), "timeout": 5.0}, 30.0, None, 1),  # past deadline
        ({"retry": FAST}, None, grpc.StatusCode.UNAVAILABLE, 4),
        ({"retry": FAST}, None, grpc.StatusCode.INTERNAL, 1),
    ],
)
def test_retry_is_bounded(
    service: Served, connect: Connect, options: Any, delay: Any, code: Any, want: int
) -> None:
    fake, address = service

    def handle(request: Any, context: Any) -> None:
        if delay is not None:
            busy(context, delay)
        context.abort(code, "no")

    fake.handlers["Compare"] = handle
    with pytest.raises(sc.SiameseError) as caught:
        connect(address, **options).call("compare", b"a", b"b")
    assert caught.value.retry_delay == delay
    assert len(fake.requests) == want


def test_deadline(service: Served, connect: Connect) -> None:
    fake, address = service
    left: list[float] = []

    def handle(request: Any, context: Any) -> Any:
        left.append(context.time_remaining())
        return compare_pb2.CompareResponse()

    fake.handlers["Compare"] = handle
    client = connect(address, timeout=100.0)
    client.call("compare", b"a", b"b")
    client.call("compare", b"a", b"b", timeout=20.0)
    # gRPC rounds up what it sends.
    assert 50 < left[0] < 105
    assert left[1] < 25
    for wrong in (0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="expected seconds above 0"):
            client.call("compare", b"a", b"b", timeout=wrong)


def test_batch_is_split(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)

    def handle(request: Any, context: Any) -> Any:
        reply = compare_pb2.BatchCompareResponse(threshold=0.5, encoded_images=len(request.pairs))
        reply.model.name = "m"
        for i, pair in enumerate(request.pairs):
            if pair.image_b.encoded == b"bad":
                reply.results.add(
                    error=common_pb2.ItemError(code=3, reason="R", field=f"pairs[{i}].image_b")
                )
            else:
                reply.results.add(
                    score=compare_pb2.PairScore(similarity=pair.image_a.encoded[0] / 256)
                )
        return reply

    fake.handlers["BatchCompare"] = handle
    pairs = [(bytes([i]), b"bad" if i in (1, 4) else b"") for i in range(5)]
    pairs.insert(3, (bytes(11_000), b""))  # more than a message
    client = connect(address)
    batch = client.call("batch", iter(pairs), threshold=0.25)
    assert [len(r.pairs) for r in fake.requests_of("BatchCompare")] == [2, 2, 1]
    assert all(r.options.threshold == 0.25 for r in fake.requests_of("BatchCompare"))
    fields = {i: r.error.field for i, r in enumerate(batch.results) if r.error}
    assert fields == {1: "pairs[1].image_b", 3: "pairs[3]", 5: "pairs[5].image_b"}
    large = batch.results[3].error
    assert large is not None
    assert large.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [r.similarity * 256 for r in batch.results] == [0, 0, 2, 0, 3, 0]
    assert batch.results[0].model == sc.ModelReference("m", "", "")
    assert (batch.encoded_images, batch.threshold) == (5, 0.5)
    client.call("batch", pairs[:1])
    assert len(fake.requests_of("GetServerInfo")) == 1  # limits are asked for once


def test_parts_that_fail(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="images[1]")

    def handle(request: Any, context: Any) -> Any:
        if len(fake.requests_of("Embed")) == 2:
            refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "no", bad)
        return embed_pb2.EmbedResponse(results=[embed_pb2.EmbedResult()] * 2)

    fake.handlers["Embed"] = handle
    client = connect(address)
    with pytest.raises(sc.SiameseError) as caught:
        client.call("embed", [b""] * 6)
    assert caught.value.field == "images[3]"
    with pytest.raises(sc.SiameseError, match="does not fit the 1 items"):
        client.call("embed", [b""])
    with pytest.raises(sc.SiameseError, match="received 12006 bytes, expected at most 10000"):
        client.call("embed", [bytes(12_000)])


def test_empty_lists_are_the_servers_to_refuse(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)
    for method in ("BatchCompare", "Rank", "Embed"):
        fake.handlers[method] = lambda request, context: context.abort(
            grpc.StatusCode.INVALID_ARGUMENT, "none"
        )
    client = connect(address)
    for name, args in (("batch", [[]]), ("rank", [b"q", []]), ("embed", [[]])):
        with pytest.raises(sc.SiameseError, match="none"):
            client.call(name, *args)
    wrong: Any = [b"ab"]
    for pairs in (wrong, [(b"a", b"b", b"c")], [7]):
        with pytest.raises(TypeError, match="image"):
            client.call("batch", pairs)


def test_rank_is_split_and_merged(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)

    def handle(request: Any, context: Any) -> Any:
        reply = rank_pb2.RankResponse(threshold=0.5)
        first = request.candidates[0].encoded[0]
        reply.familiarity.value = first / 256
        reply.warning = f"from {first}"
        scored = sorted(enumerate(request.candidates), key=lambda c: -(c[1].encoded[0] % 10))
        for index, candidate in scored:
            if candidate.encoded[0] == 13:
                reply.errors.add(
                    index=index, error={"code": 3, "reason": "R", "field": f"candidates[{index}]"}
                )
            else:
                reply.ranked.add(index=index, similarity=candidate.encoded[0] % 10 / 16)
        return reply

    fake.handlers["Rank"] = handle
    client = connect(address)
    candidates = [bytes([n]) for n in (5, 7, 17, 13, 27, 1)]
    ranking = client.call("rank", b"q", candidates, top_k=4, min_similarity=0.25)
    assert [(r.index, r.similarity * 16) for r in ranking.ranked] == [
        (1, 7),
        (2, 7),
        (4, 7),
        (0, 5),
    ]
    assert [(f.index, f.error.field) for f in ranking.errors] == [(3, "candidates[3]")]
    assert ranking.familiarity == sc.Familiarity(27 / 256, False)
    assert ranking.warning == "from 27"
    for request in fake.requests_of("Rank"):
        assert (request.query.encoded, request.top_k, request.min_similarity) == (b"q", 4, 0.25)


def test_rank_indexes_of_a_wrong_server(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)
    fake.handlers["Rank"] = lambda request, context: rank_pb2.RankResponse(ranked=[{"index": 9}])
    with pytest.raises(sc.SiameseError, match="does not fit"):
        connect(address).call("rank", b"q", [b"a"])


def test_files_that_cannot_be_read(service: Served, connect: Connect) -> None:
    fake, address = service
    with_limits(fake)
    client = connect(address)
    for name, args in (
        ("compare", ["no/such/file", b""]),
        ("batch", [[(b"", "no/such/file")]]),
        ("rank", ["no/such/file", [b""]]),
        ("embed", [["no/such/file"]]),
    ):
        with pytest.raises(FileNotFoundError, match="no/such/file"):
            client.call(name, *args)
    assert {name for name, _ in fake.requests} == {"GetServerInfo"}


def test_health(service: Served, connect: Connect) -> None:
    client = connect(service[1])
    assert client.call("health") is True
    assert client.call("health", "cold") is False
    with pytest.raises(sc.SiameseError) as caught:
        client.call("health", "none")
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


def test_no_server(connect: Connect) -> None:
    client = connect("127.0.0.1:1", retry=FAST, timeout=20)
    with pytest.raises(sc.SiameseError) as caught:
        client.call("compare", b"a", b"b")
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("address", "options", "want"),
    [
        ("localhost:x", {}, "a number from 1 to 65535"),
        ("http://a", {"tls": True}, "asks for plain text"),
        ("https://a", {"tls": False}, "asks for TLS"),
        ("a", {"token": ""}, "token that is empty"),
        ("a", {"token": "x\ny"}, "token that is empty or has spaces"),
        ("a", {"timeout": 0}, "timeout of 0"),
    ],
)
def test_wrong_options(connect: Connect, address: str, options: Any, want: str) -> None:
    with pytest.raises(ValueError, match="received") as caught:
        connect(address, **options)
    assert want in str(caught.value)
    if "token" in options:
        assert "x\ny" not in str(caught.value)


def test_wrong_settings() -> None:
    with pytest.raises(ValueError, match="received 0 attempts"):
        sc.RetryPolicy(attempts=0)
    with pytest.raises(ValueError, match="initial_delay <= max_delay"):
        sc.RetryPolicy(initial_delay=2, max_delay=1)
    with pytest.raises(ValueError, match="both or neither"):
        sc.TLS(certificate=b"x")
