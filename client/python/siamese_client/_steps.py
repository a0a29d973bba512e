"""Calls without their I/O: generators that say what is to be done next.

An operation yields steps and is sent what came of each; the clients of both kinds carry
out steps, and nothing else. What fails is thrown in at the yield.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Callable, TypeVar, Union

import grpc
from google.protobuf.message import Message

from ._errors import SiameseError

T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """Make a call; the answer is the reply."""

    method: str
    request: Message
    timeout: float | None


@dataclass(frozen=True)
class Sleep:
    """Wait; the answer is None."""

    seconds: float


@dataclass(frozen=True)
class Work:
    """Run what may read files or take long; the answer is what it returns."""

    run: Callable[[], Any]


Operation = Generator[Union[Send, Sleep, Work], Any, T]


@dataclass(frozen=True)
class RetryPolicy:
    """When a call is made again: where that may help, and the deadline allows.

    A call is made again when the server says when (RetryInfo: it is busy, or asks for a
    slower rate), after that time; and when the server is UNAVAILABLE, after a random time
    of at most initial_delay, doubled at each attempt. What is carried out twice changes no
    more than once, so each call may be repeated. Where the wait would go past the deadline,
    or the server asks for more than max_delay, the error is raised at once.

    Attributes:
        attempts: how often a call is made at most, the first time included.
        initial_delay, max_delay: seconds.

    """

    attempts: int = 5
    initial_delay: float = 0.2
    max_delay: float = 10.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"received {self.attempts} attempts, expected at least 1")
        if not 0 < self.initial_delay <= self.max_delay:
            raise ValueError(
                f"received an initial delay of {self.initial_delay} s and at most "
                f"{self.max_delay} s, expected 0 < initial_delay <= max_delay"
            )

    def wait(self, error: SiameseError, attempt: int) -> float | None:
        """Say how long to wait after the attempt, counted from 1; None: don't repeat it."""
        if attempt >= self.attempts:
            return None
        if error.retry_delay is not None:
            return error.retry_delay if error.retry_delay <= self.max_delay else None
        if error.code is not grpc.StatusCode.UNAVAILABLE:
            return None
        bound = min(self.max_delay, self.initial_delay * 2 ** min(attempt - 1, 30))
        return random.uniform(bound / 4, bound)  # noqa: S311 - spreads clients, no secret


class Deadline:
    """When an operation has to be done: a bound for the whole, and one for each request."""

    def __init__(
        self,
        whole: float | None,
        each: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._each = each
        self._end = None if whole is None else clock() + whole

    def of_request(self) -> Deadline:
        """Make the deadline of one request with its repeats."""
        return Deadline(
            self.remaining() if self._end is not None else self._each, None, self._clock
        )

    def remaining(self) -> float | None:
        """Say how many seconds are left, at least 0; None where there is no bound."""
        return None if self._end is None else max(0.0, self._end - self._clock())

    def allows(self, wait: float) -> bool:
        """Report whether there is more time than that."""
        remaining = self.remaining()
        return remaining is None or wait < remaining


def check_timeout(timeout: float | None) -> float | None:
    """Return the timeout, which has to be None or above 0."""
    if timeout is not None and not 0 < timeout < float("inf"):
        raise ValueError(f"received a timeout of {timeout}, expected seconds above 0, or None")
    return timeout


class Attempts:
    """How often one request, or stream, was made within its deadline."""

    def __init__(self, retry: RetryPolicy | None, deadline: Deadline) -> None:
        self._retry = retry
        self._deadline = deadline
        self._made = 0

    def begin(self) -> float | None:
        """Count an attempt, and say how many seconds it may take; None: no bound."""
        self._made += 1
        return self._deadline.remaining()

    def wait(self, error: SiameseError) -> float:
        """Say how long to wait before the next one; raise the error where there is none."""
        wait = self._retry.wait(error, self._made) if self._retry else None
        if wait is None or not self._deadline.allows(wait):
            raise error
        return wait


def call(
    method: str, request: Message, deadline: Deadline, retry: RetryPolicy | None
) -> Operation[Any]:
    """Make one call, and again where the policy says so."""
    attempts = Attempts(retry, deadline.of_request())
    while True:
        try:
            return (yield Send(method, request, attempts.begin()))
        except SiameseError as error:
            wait = attempts.wait(error)
        yield Sleep(wait)
