"""What a stream has sent and is owed, without its I/O."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import grpc

from . import _convert
from ._errors import SiameseError, from_item, unexpected
from ._gen.siamese.v1 import common_pb2, image_pb2, stream_pb2
from ._images import ImageLike, to_proto
from ._results import FrameResult, ModelReference, ReferenceResult
from ._steps import RetryPolicy


@dataclass(frozen=True)
class StreamWishes:
    """How a stream is to be run.

    Attributes:
        window: frames that may be under way; 0: as many as the server allows.
        drop: whether a newer frame takes the place of one that waits.
        keep_bad_references: whether a reference that the server refuses is only noted.

    """

    window: int
    drop: bool
    keep_bad_references: bool
    options: common_pb2.CompareOptions

    def __post_init__(self) -> None:
        if not 0 <= self.window < 1 << 32:
            raise ValueError(f"received a window of {self.window}, expected 0 or more frames")


class Session:
    """The state of one stream over all its calls. Not safe for concurrent use.

    A call of it that the server drains is followed by another one, so that no frame is
    lost. Attributes:

        references: what became of each reference, by name, in the order in which they
            were given.
        exhausted: whether there are no more frames; its user sets it.
        draining: whether the server is about to end this call.
    """

    def __init__(
        self,
        references: Mapping[str, ImageLike],
        wishes: StreamWishes,
        retry: RetryPolicy | None,
    ) -> None:
        self._wishes = wishes
        self._retry = retry
        self._images: dict[str, image_pb2.Image] = {
            name: to_proto(image) for name, image in references.items()
        }
        self.references: dict[str, ReferenceResult] = {}
        self.exhausted = False
        self._frames = 0  # indexes given
        self._failures = 0  # calls that ended without having scored a frame
        self._start()

    def _start(self) -> None:
        self.draining = False
        self._opened = False
        self._window = 0
        self._threshold = 0.0
        self._model = ModelReference("", "", "")
        self._owed_references: deque[str] = deque(self._images)
        self._owed: deque[FrameResult] = deque()  # without scores yet, as sent

    def opening(self) -> list[stream_pb2.StreamCompareRequest]:
        """Begin a call: its first messages. References go one by one, for their size."""
        self._start()
        opening = stream_pb2.StreamOpening(
            window=self._wishes.window,
            drop_policy=stream_pb2.DROP_POLICY_LATEST
            if self._wishes.drop
            else stream_pb2.DROP_POLICY_NONE,
            options=self._wishes.options,
        )
        messages = [stream_pb2.StreamCompareRequest(opening=opening)]
        for name, image in self._images.items():
            reference = stream_pb2.SetReference(name=name, image=image)
            messages.append(stream_pb2.StreamCompareRequest(set_reference=reference))
        return messages

    @property
    def answered(self) -> int:
        """How many messages of the opening the server has answered."""
        return self._opened + len(self._images) - len(self._owed_references)

    @property
    def ready(self) -> bool:
        """Whether the server has answered the opening and all references."""
        return self._opened and not self._owed_references

    @property
    def may_send(self) -> bool:
        """Whether a frame may be sent now: the window has room, or old ones are dropped."""
        if not self.ready or self.draining:
            return False
        return self._wishes.drop or len(self._owed) < self._window

    def frame(self, image: image_pb2.Image) -> stream_pb2.StreamCompareRequest:
        """Make the message of the next frame, which counts as sent."""
        now = time.time_ns()
        sent = FrameResult(self._frames, datetime.fromtimestamp(now / 1e9, timezone.utc))
        self._frames += 1
        self._owed.append(sent)
        message = stream_pb2.Frame(id=sent.index, image=image)
        message.captured_at.FromNanoseconds(now)
        return stream_pb2.StreamCompareRequest(frame=message)

    def receive(self, response: stream_pb2.StreamCompareResponse) -> list[FrameResult]:
        """Take a message of the server; return what it says of frames.

        Raises:
            SiameseError: a reference is refused, or the server breaks the contract.

        """
        kind = response.WhichOneof("message")
        if kind == "draining":
            self.draining = True
            return []
        if not self._opened:
            if kind != "opened":
                raise unexpected(str(kind), "opened as the first message")
            self._open(response.opened)
            return []
        if self._owed_references:
            self._take_reference(response)
            return []
        self._failures = 0
        return self._take_frames(kind, response)

    def _open(self, opened: stream_pb2.StreamOpened) -> None:
        self._opened = True
        self._window = opened.window
        self._threshold = opened.threshold
        self._model = _convert.model_reference(opened.model)

    def _take_reference(self, response: stream_pb2.StreamCompareResponse) -> None:
        name = self._owed_references.popleft()
        if response.reference_set.name == name:
            self.references[name] = _convert.reference_result(response.reference_set)
            return
        if not response.HasField("item_failed"):
            raise unexpected(
                str(response.WhichOneof("message")), f"the answer to reference {name!r}"
            )
        error = from_item(response.item_failed.error)
        if not self._wishes.keep_bad_references:
            error.message = f"reference {name!r}: {error.message}"
            raise error
        self.references[name] = ReferenceResult(name, error=error)

    def _take_frames(self, kind: str | None, response: Any) -> list[FrameResult]:
        if kind == "frame_scored":
            return [self._scored(response.frame_scored)]
        if kind == "item_failed":
            failed = response.item_failed
            return [self._answer(failed.id, error=from_item(failed.error))]
        if kind == "frames_dropped":
            return [self._answer(index, dropped=True) for index in response.frames_dropped.ids]
        raise unexpected(str(kind), "the answer to a frame")

    def _scored(self, scored: stream_pb2.FrameScored) -> FrameResult:
        return self._answer(
            scored.id,
            scores=tuple(_convert.reference_score(s, self._model) for s in scored.scores),
            threshold=self._threshold,
            familiarity=_convert.familiarity(scored.HasField("familiarity"), scored.familiarity),
            warning=scored.warning,
            prepared=scored.prepared_png,
            timings=_convert.timings(scored.timings),
        )

    def _answer(self, index: int, **answer: Any) -> FrameResult:
        """Fill in the oldest frame that is owed an answer, which this has to be."""
        if not self._owed or self._owed[0].index != index:
            expected = f"frame {self._owed[0].index}" if self._owed else "nothing more"
            raise unexpected(f"the answer to frame {index}", expected)
        sent = self._owed.popleft()
        return FrameResult(index=index, sent_at=sent.sent_at, **answer)

    def ended(self, error: SiameseError | None) -> float | None:
        """Say how long to wait before another call, now that one has ended; None: all is done.

        Raises:
            SiameseError: frames were lost with the call, or another one would not help.

        """
        if not self._owed and self.exhausted and self.ready:
            return None
        if error is None:
            error = SiameseError(grpc.StatusCode.UNAVAILABLE, "the server ended the stream")
        if self._owed or self._retry is None:
            raise error
        self._failures += 1
        wait = self._retry.wait(error, self._failures)
        if wait is None:
            raise error
        return 0.0 if self.draining else wait
