"""The client for programs without asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Callable

import grpc
from grpc_health.v1 import health_pb2_grpc

from ._channel import TLS, connection
from ._errors import from_rpc
from ._galleries import Galleries
from ._gallery_calls import METHODS
from ._gen.siamese.v1 import gallery_pb2_grpc, service_pb2_grpc
from ._images import ImageLike
from ._info import ServerInfo
from ._operations import Calls, options
from ._results import BatchResult, Comparison, Embeddings, Ranking
from ._session import StreamWishes
from ._steps import Operation, RetryPolicy, Send, Sleep, T, check_timeout
from ._stream import CompareStream

DEFAULT_RETRY = RetryPolicy()
DEFAULT_TIMEOUT = 60.0


class Client:
    """Talks to one server. Safe for use by many threads at once.

    Nothing is connected before the first call. A client must not be used on both sides of
    a fork: make it in the child (README, "Threads, processes").

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
            self._channel = grpc.insecure_channel(wanted.target, wanted.options)
        else:
            self._channel = grpc.secure_channel(wanted.target, wanted.credentials, wanted.options)
        self._service = service_pb2_grpc.SiameseServiceStub(self._channel)
        self._methods: dict[str, Callable[..., Any]] = {
            name: getattr(self._service, name)
            for name in ("Compare", "BatchCompare", "Rank", "Embed", "GetServerInfo")
        }
        galleries = gallery_pb2_grpc.GalleryServiceStub(self._channel)
        self._methods.update({name: getattr(galleries, name) for name in METHODS})
        self.galleries = Galleries(galleries, self._metadata, self._calls, self._run)
        self._methods["Check"] = health_pb2_grpc.HealthStub(self._channel).Check

    def compare(
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
        """Score one pair; the order does not matter.

        Args:
            a, b: the images; see :data:`ImageLike`.
            model: the model that is to answer: "model", "model/version" or "model/label";
                "auto" is the one that knows both images best; "" is the server's default.
            threshold: the similarity, 0 to 1, from which the verdict is "same"; None: the
                model's own.
            include_prepared: ask for the pictures as the network saw them.
            test_time_views: how many views of a picture are scored, whose mean is the
                similarity: the picture itself and small shifts, turns and scales of it, at
                most ``Limits.max_test_time_views``. Each is one more encode for the server,
                of both images of a pair and of a query or frame alone. 0 or 1: the picture
                alone.
            timeout: seconds for all of this call; None: the client's.

        Raises:
            SiameseError: the call failed; its field is "image_a" or "image_b" where one
                of them is at fault.
            OSError, TypeError, ValueError: an image can't be read or is none.

        """
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return self._run(self._calls.compare(a, b, wishes, deadline))

    def batch(
        self,
        pairs: Iterable[tuple[ImageLike, ImageLike]],
        *,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> BatchResult:
        """Score pairs, however many: a list over the server's limits goes in several calls.

        An image that is in several pairs of a call is encoded once. A pair that fails has
        its own error and fails nothing else. Pairs are taken, and their files read, as
        there is room for them. The arguments are those of :meth:`compare`.

        Raises:
            SiameseError: a call failed as a whole, or no pair fits a message.
            OSError, TypeError, ValueError: an image can't be read or is none.

        """
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return self._run(self._calls.batch(pairs, wishes, deadline))

    def rank(
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
        """Score a query against candidates, however many, and return them best first.

        A candidate that fails is among the ranking's errors and fails nothing else.

        Args:
            query: the image to look for; when it can't be used the call fails.
            candidates: the images to score.
            top_k: how many of the best to return; 0: all.
            min_similarity: leave out candidates below this similarity.
            model, threshold, include_prepared, test_time_views, timeout: as in :meth:`compare`.

        Raises:
            SiameseError: a call failed as a whole, or no candidate fits a message.
            OSError, TypeError, ValueError: an image can't be read or is none.

        """
        deadline = self._calls.deadline(check_timeout(timeout))
        wishes = options(model, threshold, include_prepared, test_time_views)
        return self._run(
            self._calls.rank(query, candidates, top_k, min_similarity, wishes, deadline)
        )

    def embed(
        self,
        images: Iterable[ImageLike],
        *,
        model: str = "",
        include_prepared: bool = False,
        timeout: float | None = None,
    ) -> Embeddings:
        """Embed images, however many. An embedding can be sent in place of its image.

        An image that fails has its own error and fails nothing else.

        Raises:
            SiameseError: a call failed as a whole, or no image fits a message.
            OSError, TypeError, ValueError: an image can't be read or is none.

        """
        deadline = self._calls.deadline(check_timeout(timeout))
        return self._run(self._calls.embed(images, model, include_prepared, deadline))

    def info(self, model: str = "", *, timeout: float | None = None) -> ServerInfo:
        """Ask the server for its limits, its models and what it was built from.

        The other calls ask for the limits once, before the first list; this asks again.

        Raises:
            SiameseError: ``MODEL_NOT_FOUND`` for a model that is not served, among others.

        """
        return self._run(self._calls.info(model, self._calls.deadline(check_timeout(timeout))))

    def health(self, model: str = "", *, timeout: float | None = None) -> bool:
        """Report whether the server, or one of its models by its name, is ready now.

        It is asked once, without repeats.

        Raises:
            SiameseError: ``NOT_FOUND`` for a model that is not served; ``UNAVAILABLE``
                where there is no server.

        """
        return self._run(self._calls.health(model, self._calls.deadline(check_timeout(timeout))))

    def stream(
        self,
        references: Mapping[str, ImageLike],
        frames: Iterable[ImageLike],
        *,
        window: int = 0,
        drop: bool = False,
        keep_bad_references: bool = False,
        model: str = "",
        threshold: float | None = None,
        include_prepared: bool = False,
        test_time_views: int = 0,
        timeout: float | None = None,
    ) -> CompareStream:
        """Score frames against named references as they come; see :class:`CompareStream`.

        Args:
            references: images by name; scores come in this order.
            frames: the frames. They are taken in a thread of gRPC's: the next one once
                there is room in the window. What this raises, also that a frame can't be
                read, ends the stream and is raised there.
            window: how many frames may be under way, which the server bounds; 0: as many
                as it allows. A live view wants 1 or 2.
            drop: take frames without waiting for room; one that waits in the server is
                replaced by a newer one and reported as dropped.
            keep_bad_references: go on without a reference that the server refuses, whose
                error is in ``CompareStream.references``; else it is raised.
            model, threshold, include_prepared, test_time_views: as in :meth:`compare`.
            timeout: seconds for all of the stream; None: no bound.

        Raises:
            OSError, TypeError, ValueError: a reference can't be read or is none. Errors of
                the server are raised when results are taken.

        """
        wishes = StreamWishes(
            window,
            drop,
            keep_bad_references,
            options(model, threshold, include_prepared, test_time_views),
        )

        def begin(requests: Any, left: float | None) -> Any:
            return self._service.StreamCompare(requests, timeout=left, metadata=self._metadata)

        return CompareStream(
            begin, references, frames, wishes, self._calls.retry, check_timeout(timeout)
        )

    def close(self) -> None:
        """End the connection; calls under way fail. It may be called more than once."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, operation: Operation[T]) -> T:
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
                answer = self._perform(step)
            except Exception as error:
                failure = error

    def _perform(self, step: Any) -> Any:
        if isinstance(step, Sleep):
            time.sleep(step.seconds)
            return None
        if isinstance(step, Send):
            try:
                return self._methods[step.method](
                    step.request, timeout=step.timeout, metadata=self._metadata
                )
            except grpc.RpcError as error:
                raise from_rpc(error) from None
        return step.run()
