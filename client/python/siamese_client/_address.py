"""Addresses of servers, as people write them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

DEFAULT_PORT = 50051
"""Where ``siamese serve`` listens for gRPC where nothing else is said."""

_EXPECTED = (
    "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path"
)

# What a URL may begin with: whether it is TLS, and the port where it has none.
_SCHEMES: dict[str, tuple[bool, int]] = {
    "http": (False, 80),
    "https": (True, 443),
    "grpc": (False, DEFAULT_PORT),
    "grpcs": (True, DEFAULT_PORT),
}

# Other targets that gRPC resolves itself.
_TARGETS = ("dns", "ipv4", "ipv6", "unix-abstract", "vsock", "xds")

# How many bytes the path of a unix socket may have.
_MAX_SOCKET_PATH = 107


@dataclass(frozen=True)
class Address:
    """Where a server is and how it is spoken to.

    Attributes:
        target: the address as gRPC takes it.
        is_tls: whether the address asks for TLS.
        is_plain: whether it asks for plain text, as ``http://`` does.

    """

    target: str
    is_tls: bool = False
    is_plain: bool = False


def parse_address(text: str) -> Address:
    """Read the address of a server.

    - ``host:port``, or ``host``, which means port 50051; an IPv6 address has brackets
      where a port follows;
    - ``http://host:port``, which is plain text, and ``https://host:port``, which is TLS;
      also ``grpc://`` and ``grpcs://``. A missing port is the scheme's: 80, 443 or 50051;
    - ``unix:/path``, ``unix:///path`` or ``unix:path``, a socket of this machine;
    - any other target of gRPC, such as ``dns:///host:port``.

    Raises:
        ValueError: the text is none of these; it says what to write.

    """
    trimmed = text.strip()
    if not trimmed:
        raise ValueError(f"received no address of a server, {_EXPECTED}")
    if trimmed.startswith(("/", "./")):
        raise ValueError(f"received the path {trimmed[:120]!r}, expected unix:PATH for a socket")
    scheme, colon, rest = trimmed.partition(":")
    scheme = scheme.lower()
    if colon and scheme == "unix":
        return Address(_unix_target(rest), is_plain=False)
    if colon and scheme in _SCHEMES and rest.startswith("//"):
        tls, port = _SCHEMES[scheme]
        return Address(_host_target(rest[2:], port), is_tls=tls, is_plain=not tls)
    if colon and scheme in _TARGETS and not rest.isdigit():
        return Address(trimmed)
    if rest.startswith("//"):
        raise ValueError(
            f"received an address that begins with {scheme[:32] + '://'!r}, {_EXPECTED}"
        )
    return Address(_host_target(trimmed, DEFAULT_PORT))


def _unix_target(path: str) -> str:
    if path.startswith("//"):
        path = path[2:]
        if not path.startswith("/"):
            raise ValueError(
                f"received the address {'unix://' + path!r}, "
                "expected unix:///absolute/path or unix:path"
            )
    if not path.strip("/"):
        raise ValueError("received the address unix: without a path, expected unix:/path")
    size = len(path.encode())
    if size > _MAX_SOCKET_PATH:
        raise ValueError(
            f"received a socket's path of {size} bytes, "
            f"expected at most {_MAX_SOCKET_PATH}, which is the system's limit"
        )
    return f"unix:{path}"


def _host_target(text: str, port: int) -> str:
    """Read host, host:port or either with a slash behind it."""
    if "@" in text:
        raise ValueError(
            f"received an address with a user in it, {_EXPECTED}; a token goes by token="
        )
    if text.endswith("/"):
        text = text[:-1]
    behind = min((i for i in map(text.find, "/?#") if i >= 0), default=-1)
    if behind >= 0:
        raise ValueError(
            f"received the address {text[:64]!r} with {text[behind:][:32]!r} "
            f"behind the port, {_EXPECTED}"
        )
    host, port = _split_host(text, port)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split_host(text: str, port: int) -> tuple[str, int]:
    """Split host:port; port is what stands for a missing one."""
    bracketed = text.startswith("[") and text.endswith("]")
    try:
        return str(ipaddress.ip_address(text[1:-1] if bracketed else text)), port
    except ValueError:
        pass  # it has a port, or is a name
    host, colon, after = text.rpartition(":")
    if not colon:
        host, after = text, ""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(
            f"received the address {text[:64]!r}, "
            f"expected an IPv6 address in brackets, as in [::1]:{DEFAULT_PORT}"
        )
    if not host or any(c in " \t\r\n[]\"'" for c in host):
        raise ValueError(f"received the address {text[:64]!r}, {_EXPECTED}")
    if not after:
        return host, port
    if not (after.isascii() and after.isdigit() and 0 < int(after[:6]) <= 65535 and len(after) < 6):
        raise ValueError(
            f"received port {after[:32]!r} in the address {text[:64]!r}, "
            "expected a number from 1 to 65535"
        )
    return host, int(after)
