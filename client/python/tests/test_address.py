"""Addresses, as client.ParseAddress of Go reads them."""

from __future__ import annotations

import pytest

from siamese_client import Address, parse_address


@pytest.mark.parametrize(
    ("give", "want"),
    [
        ("localhost:50051", Address("localhost:50051")),
        ("localhost", Address("localhost:50051")),
        (" 10.0.0.7:80 ", Address("10.0.0.7:80")),
        ("::1", Address("[::1]:50051")),
        ("[::1]", Address("[::1]:50051")),
        ("[::1]:9", Address("[::1]:9")),
        ("http://a", Address("a:80", is_plain=True)),
        ("https://a/", Address("a:443", is_tls=True)),
        ("HTTPS://a:8443", Address("a:8443", is_tls=True)),
        ("grpc://a", Address("a:50051", is_plain=True)),
        ("grpcs://a:1", Address("a:1", is_tls=True)),
        ("unix:/run/s.sock", Address("unix:/run/s.sock")),
        ("unix:///run/s.sock", Address("unix:/run/s.sock")),
        ("unix:s.sock", Address("unix:s.sock")),
        ("dns:///a:1", Address("dns:///a:1")),
        ("dns:1", Address("dns:1")),
    ],
)
def test_parse_address(give: str, want: Address) -> None:
    assert parse_address(give) == want


@pytest.mark.parametrize(
    ("give", "want"),
    [
        ("", "no address"),
        ("/run/s.sock", "expected unix:PATH"),
        ("unix:", "without a path"),
        ("unix://run/s.sock", "expected unix:///absolute/path"),
        ("unix:/" + "x" * 107, "108 bytes"),
        ("ftp://a", "begins with 'ftp://'"),
        ("user@a:1", "a user in it"),
        ("a:1/path", "'/path' behind the port"),
        ("http://a:1?x=1", "'?x=1' behind the port"),
        ("a:0", "a number from 1 to 65535"),
        ("a:65536", "a number from 1 to 65535"),
        ("a:x", "a number from 1 to 65535"),
        ("a:99999999999999999999", "a number from 1 to 65535"),
        ("fe80::1:x", "in brackets"),
        ("a b:1", "expected host:port"),
        (":1", "expected host:port"),
    ],
)
def test_parse_address_refuses(give: str, want: str) -> None:
    with pytest.raises(ValueError, match="received") as caught:
        parse_address(give)
    assert want in str(caught.value)
