"""How a server is spoken to: address, transport and token, alike for both clients."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import grpc

from ._address import Address, parse_address
from ._version import __version__

PathOrBytes = Union[str, "os.PathLike[str]", bytes]
"""A path of a PEM file, or its content."""

# The largest reply that is taken: prepared pictures of a large call go over gRPC's own
# 4 MiB. The server's default limit is the same.
MAX_REPLY_BYTES = 16 << 20


@dataclass(frozen=True)
class TLS:
    """How TLS is spoken.

    Attributes:
        ca: the authorities that the server's certificate is held against, PEM; None: the
            system's.
        certificate, key: a certificate to show, with its key, PEM; both or neither.
        server_name: the name that the server's certificate has, where it is another one
            than the address's.

    """

    ca: PathOrBytes | None = None
    certificate: PathOrBytes | None = None
    key: PathOrBytes | None = None
    server_name: str = ""

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("received one of certificate and key, expected both or neither")


@dataclass(frozen=True)
class Connection:
    """What a channel is made of.

    Attributes:
        target: the address as gRPC takes it.
        credentials: those of TLS; None: plain text.
        options: the channel's.
        metadata: what each call shows, the token among it.

    """

    target: str
    credentials: grpc.ChannelCredentials | None
    options: Sequence[tuple[str, str | int]]
    metadata: tuple[tuple[str, str], ...]


def connection(
    address: str,
    tls: TLS | bool | None,
    token: str | None,
    channel_options: Sequence[tuple[str, str | int]],
) -> Connection:
    """Put together what the caller wants.

    Raises:
        ValueError: the address, or the token, is none, or address and tls contradict.
        OSError: a file of TLS can't be read.

    """
    parsed = parse_address(address)
    chosen = _transport(address, parsed, tls)
    options: list[tuple[str, str | int]] = [
        ("grpc.primary_user_agent", f"siamese-client-python/{__version__}"),
        ("grpc.max_receive_message_length", MAX_REPLY_BYTES),
        ("grpc.max_send_message_length", -1),
    ]
    if chosen is not None and chosen.server_name:
        options.append(("grpc.ssl_target_name_override", chosen.server_name))
    return Connection(
        target=parsed.target,
        credentials=None if chosen is None else _credentials(chosen),
        options=[*options, *channel_options],
        metadata=_metadata(token),
    )


def _transport(address: str, parsed: Address, tls: TLS | bool | None) -> TLS | None:
    """Say which TLS is spoken; None: plain text."""
    if tls is False and parsed.is_tls:
        raise ValueError(f"received tls=False for {address!r}, which asks for TLS")
    if tls and parsed.is_plain:
        raise ValueError(f"received tls for {address!r}, which asks for plain text")
    if isinstance(tls, TLS):
        return tls
    return TLS() if tls or parsed.is_tls else None


def _credentials(tls: TLS) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        root_certificates=_system_roots() if tls.ca is None else _read(tls.ca),
        private_key=None if tls.key is None else _read(tls.key),
        certificate_chain=None if tls.certificate is None else _read(tls.certificate),
    )


def _system_roots() -> bytes | None:
    """Read the system's authorities; None, which is gRPC's own, where it has no such file.

    gRPC by itself would not look at the system's.
    """
    path = ssl.get_default_verify_paths().cafile
    return Path(path).read_bytes() if path else None


def _read(pem: PathOrBytes) -> bytes:
    return pem if isinstance(pem, bytes) else Path(pem).read_bytes()


def _metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    if token is None:
        return ()
    if not token or not all("!" <= c <= "~" for c in token):
        raise ValueError("received a token that is empty or has spaces or other than ASCII in it")
    return (("authorization", f"Bearer {token}"),)
