"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import (
    Any,
    Callable,
)

import grpc
from grpc_health.v1 import health_pb2_grpc

from ._aio_galleries import AsyncGalleries
from ._aio_stream import AsyncCompareStream
from ._channel import TLS, connection
from ._client import DEFAULT_RETRY, DEFAULT_TIMEOUT
from ._errors import from_rpc
from ._gallery_calls import METHODS
from ._gen.siamese.v1 import gallery_pb2_grpc, service_pb2_grpc
from ._images import ImageLike
from ._info import ServerInfo
from ._operations import Calls, options
from ._results import BatchResult, Comparison, Embeddings, Ranking
from ._session import StreamWishes
from ._steps import Operation, RetryPolicy, Send, Sleep, T, check_timeout


class AsyncClient:
    """Talks to one server, within one event loop; any number of its tasks may use it.

    Make it where the loop runs. Nothing is connected before the first call. Files are read
    in threads. The calls are those of :class:`siamese_client.Client`, where their arguments,
    results and errors are told; an iterable of images is taken in a thread, too.

    Args:
        address: as :func:`parse_address` reads it, such as ``localhost:50051``,
            ``https://example.org:50051`` or ``unix:/run/siamese.sock``.
        tls: None: as the address says, plain text where it says nothing; True: TLS by the
            system's authorities; else how.
        token: shown with each call as ``authorization: Bearer``, over plain text too,
            where anyone on the way can read it.
        timeout: the seconds that one request may take with its repeats; of a list that is
            split, each part. None: as long as the server allows.
        retry: when calls are made again; None: never.
        channel_options: more options for gRPC's channel.

    Attributes:
        galleries: the calls of galleries.

    Raises:
        ValueError: an argument is none of these.
        OSError: a file of TLS can't be read.

    """

    def __init__(
        self,
        address: str = "localhost:50051",
        *,
        tls: TLS | bool | None = None,
        token: str | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = DEFAULT_RETRY,
        channel_options: Sequence[tuple[str, str | int]] = (),
    ) -> None:
        self._calls = Calls(check_timeout(timeout), retry)
        wanted = connection(address, tls, token, channel_options)
        self._metadata = wanted.metadata
        if wanted.credentials is None:
            self._channel = grpc.aio.insecure_channel(wanted.target, wanted.options)
        else:
            self._channel = grpc.aio.secure_channel(
                wanted.target, wanted.credentials, wanted.options
            )
        self._service = service_pb2_grpc.SiameseServiceStub(self._channel)
        self._methods: dict[str, Callable[..., Any]] = {
            name: getattr(self._service, name)
            for name in ("Compare", "BatchCompare", "Rank", "Embed", "GetServerInfo")
        }
        galleries = gallery_pb2_grpc.GalleryServiceStub(self._channel)
        self._methods.update({name: getattr(galleries, name) for name in METHODS})
        self.galleries = AsyncGalleries(galleries, self._metadata, self._calls, self._run)
        self._methods["Check"] = health_pb2_grpc.HealthStub(self._channel).Check

    async def compare(
        self,
        a: ImageLike,
        b: ImageLike,
        *,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> Comparison:
        """Score one pair; the order does not matter."""
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return await self._run(self._calls.compare(a, b, wishes, deadline))

    async def batch(
        self,
        pairs: Iterable[tuple[ImageLike, ImageLike]],
        *,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> BatchResult:
        """Score pairs, however many: a list over the server's limits goes in several calls."""
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return await self._run(self._calls.batch(pairs, wishes, deadline))

    async def rank(
        self,
        query: ImageLike,
        candidates: Iterable[ImageLike],
        *,
        top_k: int = 0,
        min_similarity: float = 0.0,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> Ranking:
        """Score a query against candidates, however many, and return them best first."""
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return await self._run(
            self._calls.rank(query, candidates, top_k, min_similarity, wishes, deadline)
        )

    async def embed(
        self,
        images: Iterable[ImageLike],
        *,
        model: str = "",
        include_prepared: bool = False,
        timeout: float | None = None,
    ) -> Embeddings:
        """Embed images, however many. An embedding can be sent in place of its image."""
        deadline = self._calls.deadline(check_timeout(timeout))
        return await self._run(self._calls.embed(images, model, include_prepared, deadline))

    async def info(self, model: str = "", *, timeout: float | None = None) -> ServerInfo:
        """Ask the server for its limits, its models and what it was built from."""
        return await self._run(
            self._calls.info(model, self._calls.deadline(check_timeout(timeout)))
        )

    async def health(self, model: str = "", *, timeout: float | None = None) -> bool:
        """Report whether the server, or one of its models by its name, is ready now."""
        return await self._run(
            self._calls.health(model, self._calls.deadline(check_timeout(timeout)))
        )

    def stream(
        self,
        references: Mapping[str, ImageLike],
        frames: AsyncIterable[ImageLike] | Iterable[ImageLike],
        *,
        window: int = 0,
        drop: bool = False,
        keep_bad_references: bool = False,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> AsyncCompareStream:
        """Score frames against named references; see :class:`AsyncCompareStream`.

        The arguments are those of :meth:`siamese_client.Client.stream`, but for frames: an
        asynchronous iterable, or an ordinary one, which must not block then. References
        are read at once.
        """
        wishes = StreamWishes(
            window,
            drop,
            keep_bad_references,
            options(model, threshold, include_prepared, test_time_views),
        )

        def begin(left: float | None) -> Any:
            return self._service.StreamCompare(timeout=left, metadata=self._metadata)

        return AsyncCompareStream(
            begin, references, frames, wishes, self._calls.retry, check_timeout(timeout)
        )

    async def close(self) -> None:
        """End the connection; calls under way fail. It may be called more than once."""
        await self._channel.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, operation: Operation[T]) -> T:
        """Carry out the steps of an operation."""
        answer: Any = None
        failure: Exception | None = None
        while True:
            try:
                step = operation.throw(failure) if failure else operation.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = failure = None
            try:
                answer = await self._perform(step)
            except Exception as error:
                failure = error

    async def _perform(self, step: Any) -> Any:
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
            return None
        if isinstance(step, Send):
            try:
                return await self._methods[step.method](
                    step.request, timeout=step.timeout, metadata=self._metadata
                )
            except grpc.RpcError as error:
                raise from_rpc(error) from None
        return await asyncio.to_thread(step.run)
