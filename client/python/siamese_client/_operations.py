"""The calls, as generators of steps (see _steps)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

from . import _convert
from ._errors import SiameseError, from_item
from ._gen.siamese.v1 import (
    common_pb2,
    compare_pb2,
    embed_pb2,
    info_pb2,
    rank_pb2,
)
from ._images import ImageLike, to_proto
from ._info import Limits, ServerInfo, server_info
from ._parts import Part, Splitter
from ._results import (
    BatchResult,
    CandidateError,
    Comparison,
    Embeddings,
    EmbedResult,
    PairResult,
    RankedCandidate,
    Ranking,
)
from ._steps import Deadline, Operation, RetryPolicy, Send, Work, call

R = TypeVar("R", bound=Message)

_SERVICE = "siamese.v1.SiameseService"


def options(
    model: str, threshold: float | None, include_prepared: bool, test_time_views: int
) -> common_pb2.CompareOptions:
    """Make the contract's options; a threshold of None is not sent."""
    return common_pb2.CompareOptions(
        model=model,
        threshold=threshold,
        include_prepared=include_prepared,
        test_time_views=test_time_views,
    )


@dataclass(frozen=True)
class Answered:
    """A part with the server's reply to it."""

    part: Part[Any]
    reply: Any


class Calls:
    """Makes the operations of one client. Safe for concurrent use."""

    def __init__(self, timeout: float | None, retry: RetryPolicy | None) -> None:
        self.timeout = timeout
        self.retry = retry
        self._limits: Limits | None = None  # as the server told them last

    def deadline(self, timeout: float | None) -> Deadline:
        """Make the deadline of an operation: the caller's for all, else ours for each call."""
        return Deadline(timeout, self.timeout)

    def compare(
        self, a: ImageLike, b: ImageLike, wishes: common_pb2.CompareOptions, deadline: Deadline
    ) -> Operation[Comparison]:
        """Score one pair."""

        def make() -> compare_pb2.CompareRequest:
            return compare_pb2.CompareRequest(
                image_a=to_proto(a), image_b=to_proto(b), options=wishes
            )

        request = yield Work(make)
        reply = yield from call("Compare", request, deadline, self.retry)
        return _convert.comparison(reply)

    def batch(
        self,
        pairs: Iterable[tuple[ImageLike, ImageLike]],
        wishes: common_pb2.CompareOptions,
        deadline: Deadline,
    ) -> Operation[BatchResult]:
        """Score pairs, however many."""
        limits = yield from self.limits_of(deadline)
        empty = compare_pb2.BatchCompareRequest(options=wishes)
        splitter = Splitter(_pairs(pairs), _most_pairs(limits, wishes), room(limits, empty))
        answered = yield from self.each("BatchCompare", "pairs", empty, splitter, deadline)
        first = answered[0].reply
        model = _convert.model_reference(first.model)
        results: dict[int, PairResult] = {
            large.index: PairResult(error=large.error("pairs", limits.max_message_bytes))
            for large in splitter.too_large
        }
        for one in answered:
            own = _convert.model_reference(one.reply.model)
            for index, result in zip(one.part.indexes, one.reply.results):
                results[index] = _convert.pair_result(result, own, one.part.rename)
        return BatchResult(
            results=tuple(results[i] for i in range(splitter.count)),
            threshold=first.threshold,
            model=model,
            timings=_convert.sum_of(_convert.timings(one.reply.timings) for one in answered),
            encoded_images=sum(one.reply.encoded_images for one in answered),
        )

    def rank(
        self,
        query: ImageLike,
        candidates: Iterable[ImageLike],
        top_k: int,
        min_similarity: float,
        wishes: common_pb2.CompareOptions,
        deadline: Deadline,
    ) -> Operation[Ranking]:
        """Score a query against candidates, however many."""
        limits = yield from self.limits_of(deadline)

        def make() -> rank_pb2.RankRequest:
            return rank_pb2.RankRequest(
                query=to_proto(query), top_k=top_k, min_similarity=min_similarity, options=wishes
            )

        empty = yield Work(make)
        splitter = Splitter(map(to_proto, candidates), limits.max_candidates, room(limits, empty))
        answered = yield from self.each("Rank", "candidates", empty, splitter, deadline)
        errors = [
            CandidateError(large.index, large.error("candidates", limits.max_message_bytes))
            for large in splitter.too_large
        ]
        return _merge_ranking(answered, errors, top_k)

    def embed(
        self, images: Iterable[ImageLike], model: str, include_prepared: bool, deadline: Deadline
    ) -> Operation[Embeddings]:
        """Embed images, however many."""
        limits = yield from self.limits_of(deadline)
        empty = embed_pb2.EmbedRequest(include_prepared=include_prepared, model=model)
        splitter = Splitter(map(to_proto, images), limits.max_images, room(limits, empty))
        answered = yield from self.each("Embed", "images", empty, splitter, deadline)
        results: dict[int, EmbedResult] = {
            large.index: EmbedResult(error=large.error("images", limits.max_message_bytes))
            for large in splitter.too_large
        }
        for one in answered:
            for index, result in zip(one.part.indexes, one.reply.results):
                results[index] = _convert.embed_result(result, one.part.rename)
        return Embeddings(
            results=tuple(results[i] for i in range(splitter.count)),
            model=_convert.model_reference(answered[0].reply.model),
            timings=_convert.sum_of(_convert.timings(one.reply.timings) for one in answered),
            encoded_images=sum(one.reply.encoded_images for one in answered),
        )

    def info(self, model: str, deadline: Deadline) -> Operation[ServerInfo]:
        """Ask the server about itself and a model; its limits are kept."""
        request = info_pb2.GetServerInfoRequest(model=model)
        reply = yield from call("GetServerInfo", request, deadline, self.retry)
        info = server_info(reply)
        self._limits = info.limits
        return info

    def health(self, model: str, deadline: Deadline) -> Operation[bool]:
        """Ask once whether the server, or one of its models, is ready."""
        service = f"{_SERVICE}/{model}" if model else ""
        request = health_pb2.HealthCheckRequest(service=service)
        reply = yield Send("Check", request, deadline.of_request().remaining())
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)

    def limits_of(self, deadline: Deadline) -> Operation[Limits]:
        """Return the server's limits, which are asked for once."""
        if self._limits is None:
            yield from self.info("", deadline)
        limits = self._limits
        if limits is None:  # info sets them
            raise AssertionError("no limits after info")
        return limits

    def each(
        self,
        method: str,
        list_name: str,
        empty: Message,
        splitter: Splitter[Any],
        deadline: Deadline,
    ) -> Operation[list[Answered]]:
        """Send a list part by part; at least one answer comes of it.

        An empty list is sent as it is, for the server to say what is wrong with it.
        """
        answered: list[Answered] = []
        while True:
            part = yield Work(splitter)
            if part is None and (answered or splitter.too_large):
                break
            part = part or Part()
            request = _with_items(empty, list_name, part)
            try:
                reply = yield from call(method, request, deadline, self.retry)
            except SiameseError as error:
                raise part.rename(error)  # noqa: B904 - it is the same error
            _check_results(method, reply, part)
            answered.append(Answered(part, reply))
        if not answered:
            raise splitter.too_large[0].error(list_name, splitter.max_bytes)
        return answered


def _with_items(empty: R, list_name: str, part: Part[Any]) -> R:
    request = type(empty)()
    request.CopyFrom(empty)
    getattr(request, list_name).extend(part.items)
    return request


def _check_results(method: str, reply: Any, part: Part[Any]) -> None:
    """Hold the reply against the part: one result an item, indexes within it."""
    if method == "Rank":
        held = all(r.index < len(part.items) for r in [*reply.ranked, *reply.errors])
    else:
        held = len(reply.results) == len(part.items)
    if not held:
        raise SiameseError(
            grpc.StatusCode.INTERNAL,
            f"received an answer to {method} that does not fit the {len(part.items)} items sent",
        )


def room(limits: Limits, empty: Message) -> int:
    """Say how many bytes the items of one request may have."""
    if not limits.max_message_bytes:  # the server does not say
        return 1 << 62
    return max(0, limits.max_message_bytes - empty.ByteSize())


def _most_pairs(limits: Limits, wishes: common_pb2.CompareOptions) -> int:
    """Return how many pairs go in one call: views of pictures need room in the queue."""
    views = wishes.test_time_views
    if views <= 1 or limits.max_queued_images == 0:
        return limits.max_pairs
    return min(limits.max_pairs, max(limits.max_queued_images // (2 * views), 1))


def _pairs(pairs: Iterable[tuple[ImageLike, ImageLike]]) -> Iterator[compare_pb2.ImagePair]:
    for index, pair in enumerate(pairs):
        try:
            a, b = pair
        except (TypeError, ValueError):
            raise TypeError(
                f"received a {type(pair).__name__} as pairs[{index}], expected two images"
            ) from None
        yield compare_pb2.ImagePair(image_a=to_proto(a), image_b=to_proto(b))


def _merge_ranking(answered: list[Answered], errors: list[CandidateError], top_k: int) -> Ranking:
    """Make one ranking of those of the parts."""
    ranked: list[RankedCandidate] = []
    for one in answered:
        own = _convert.model_reference(one.reply.model)
        for candidate in one.reply.ranked:
            index = one.part.indexes[candidate.index]
            ranked.append(_convert.ranked_candidate(candidate, index, own))
        for failed in one.reply.errors:
            error = one.part.rename(from_item(failed.error))
            errors.append(CandidateError(one.part.indexes[failed.index], error))
    ranked.sort(key=lambda candidate: (-candidate.similarity, candidate.index))
    # With "auto" another model may know the query better in another part.
    best = max(answered, key=lambda one: float(one.reply.familiarity.value)).reply
    first = answered[0].reply
    return Ranking(
        ranked=tuple(ranked[:top_k] if top_k else ranked),
        errors=tuple(sorted(errors, key=lambda failed: failed.index)),
        threshold=first.threshold,
        model=_convert.model_reference(first.model),
        familiarity=_convert.familiarity(best.HasField("familiarity"), best.familiarity),
        warning=best.warning,
        prepared_query=best.prepared_query_png,
        timings=_convert.sum_of(_convert.timings(one.reply.timings) for one in answered),
        encoded_images=sum(one.reply.encoded_images for one in answered),
    )
