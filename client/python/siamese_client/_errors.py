"""The one kind of error that calls and items fail with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from ._gen.siamese.v1 import common_pb2

_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


class SiameseError(Exception):
    """A call or an item that the server, or the way to it, failed.

    Calls raise it; an item of a list or of a stream that fails has it as ``error``.

    Attributes:
        code: gRPC's status code, such as ``grpc.StatusCode.INVALID_ARGUMENT``.
        reason: the contract's reason, such as ``IMAGE_UNDECODABLE``; empty where the
            failure came from gRPC itself.
        message: what was received and what was expected, for a person.
        field: the field at fault, such as ``image_b`` or ``pairs[3].image_a``, with
            indexes of the list that the caller gave; empty where none is.
        metadata: the numbers that matter, such as a limit, by name.
        retry_delay: the seconds that the server asks to wait before the call is
            repeated; None where it does not say.

    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        field: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_delay: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason
        self.field = field
        self.metadata: dict[str, str] = dict(metadata or {})
        self.retry_delay = retry_delay

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    def __repr__(self) -> str:
        return (
            f"SiameseError({self.code.name}, {self.message!r}, "
            f"reason={self.reason!r}, field={self.field!r})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their args, which lack the keywords.
        return _restore, (self.code, self.message, self.__dict__)


def _restore(code: grpc.StatusCode, message: str, state: dict[str, Any]) -> SiameseError:
    error = SiameseError(code, message)
    error.__dict__.update(state)
    return error


def from_rpc(failure: grpc.RpcError) -> SiameseError:
    """Turn gRPC's error, of a channel of either kind, into ours."""
    call: Any = failure  # both kinds have these methods, under no common type
    return from_status(call.code(), call.details(), call.trailing_metadata())


def from_status(code: grpc.StatusCode | None, message: str | None, metadata: Any) -> SiameseError:
    """Turn what ended a call into an error."""
    error = SiameseError(code or grpc.StatusCode.UNKNOWN, message or "")
    for key, value in metadata or ():
        if key == "grpc-status-details-bin":
            _read_details(error, value)
    return error


def _read_details(error: SiameseError, data: bytes) -> None:
    """Fill in what google.rpc.Status tells; one that can't be read tells nothing."""
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    try:
        for detail in status_pb2.Status.FromString(data).details:
            if detail.Unpack(info):
                error.reason = info.reason
                error.metadata = dict(info.metadata)
            elif detail.Unpack(bad) and bad.field_violations:
                error.field = bad.field_violations[0].field
            elif detail.Unpack(retry):
                error.retry_delay = max(0.0, retry.retry_delay.ToTimedelta().total_seconds())
    except (DecodeError, OverflowError):
        return


def from_item(item: common_pb2.ItemError) -> SiameseError:
    """Turn the contract's error of one item into ours."""
    return SiameseError(
        _CODES.get(item.code, grpc.StatusCode.UNKNOWN),
        item.message,
        reason=item.reason,
        field=item.field,
    )


def unexpected(received: str, expected: str) -> SiameseError:
    """Make the error for a server that does not keep to the contract."""
    return SiameseError(grpc.StatusCode.INTERNAL, f"received {received}, expected {expected}")
