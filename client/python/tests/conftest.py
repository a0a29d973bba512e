"""What tests share: both clients behind one face, a service in this process, a server."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import IO, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import siamese_client as sc
from siamese_client._gallery_calls import METHODS
from siamese_client._gen.siamese.v1 import gallery_pb2_grpc, service_pb2_grpc

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = ROOT / "testdata" / "photos"
PROGRAM = Path(os.environ.get("SIAMESE_PROGRAM", ROOT / "bin" / "siamese"))


class Plain:
    """A Client as it is; its stream as a list."""

    kind = "sync"

    def __init__(self, address: str, **options: Any) -> None:
        self.client = sc.Client(address, **options)

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        return getattr(self.client, name)(*args, **options)

    def gallery(self, name: str, *args: Any, **options: Any) -> Any:
        return getattr(self.client.galleries, name)(*args, **options)

    def all(self, name: str, *args: Any, **options: Any) -> tuple[list[Any], Any]:
        """Take all of an iterator of galleries, and return it as well."""
        iterator = self.gallery(name, *args, **options)
        return list(iterator), iterator

    def stream(self, *args: Any, **options: Any) -> tuple[list[sc.FrameResult], Any]:
        with self.client.stream(*args, **options) as stream:
            return list(stream), stream.references

    def close(self) -> None:
        self.client.close()


class Asyncio:
    """An AsyncClient with a loop of its own, behind the same face."""

    kind = "aio"

    def __init__(self, address: str, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        try:
            self.client = self.loop.run_until_complete(self._make(address, options))
        except BaseException:
            self.loop.close()
            raise

    @staticmethod
    async def _make(address: str, options: dict[str, Any]) -> sc.AsyncClient:
        return sc.AsyncClient(address, **options)

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        return self.loop.run_until_complete(getattr(self.client, name)(*args, **options))

    def gallery(self, name: str, *args: Any, **options: Any) -> Any:
        async def call() -> Any:
            return await getattr(self.client.galleries, name)(*args, **options)

        return self.loop.run_until_complete(call())

    def all(self, name: str, *args: Any, **options: Any) -> tuple[list[Any], Any]:
        """Take all of an iterator of galleries, and return it as well."""

        async def collect() -> tuple[list[Any], Any]:
            iterator = getattr(self.client.galleries, name)(*args, **options)
            return [each async for each in iterator], iterator

        return self.loop.run_until_complete(collect())

    def stream(self, *args: Any, **options: Any) -> tuple[list[sc.FrameResult], Any]:
        async def collect() -> tuple[list[sc.FrameResult], Any]:
            async with self.client.stream(*args, **options) as stream:
                return [result async for result in stream], stream.references

        return self.loop.run_until_complete(collect())

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


Connect = Callable[..., Any]


@pytest.fixture(params=[Plain, Asyncio], ids=["sync", "aio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Make clients of either kind, which are closed with the test."""
    made: list[Any] = []

    def make(address: str, **options: Any) -> Any:
        made.append(request.param(address, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


class Service(service_pb2_grpc.SiameseServiceServicer, gallery_pb2_grpc.GalleryServiceServicer):
    """Services whose calls are what the test makes them."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, Any]] = []
        self.handlers: dict[str, Callable[[Any, grpc.ServicerContext], Any]] = {}
        self.lock = threading.Lock()
        self.port = 0

    def requests_of(self, method: str) -> list[Any]:
        return [request for name, request in self.requests if name == method]

    def _answer(self, method: str, request: Any, context: grpc.ServicerContext) -> Any:
        with self.lock:
            self.requests.append((method, request))
            self.metadata.append({str(k): v for k, v in context.invocation_metadata()})
        return self.handlers[method](request, context)

    def Compare(self, request: Any, context: Any) -> Any:
        return self._answer("Compare", request, context)

    def BatchCompare(self, request: Any, context: Any) -> Any:
        return self._answer("BatchCompare", request, context)

    def Rank(self, request: Any, context: Any) -> Any:
        return self._answer("Rank", request, context)

    def Embed(self, request: Any, context: Any) -> Any:
        return self._answer("Embed", request, context)

    def GetServerInfo(self, request: Any, context: Any) -> Any:
        return self._answer("GetServerInfo", request, context)

    def StreamCompare(self, requests: Any, context: Any) -> Any:
        yield from self._answer("StreamCompare", requests, context)

    def FindDuplicates(self, request: Any, context: Any) -> Any:
        yield from self._answer("FindDuplicates", request, context)

    def Reindex(self, request: Any, context: Any) -> Any:
        yield from self._answer("Reindex", request, context)


def _galleries(name: str) -> Callable[[Service, Any, Any], Any]:
    return lambda self, request, context: self._answer(name, request, context)


for _name in (*METHODS, "Enroll"):
    setattr(Service, _name, _galleries(_name))


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Knows the server as ready, the model cold as not, and no other."""

    def Check(self, request: Any, context: Any) -> Any:
        statuses = {"": "SERVING", "siamese.v1.SiameseService/cold": "NOT_SERVING"}
        if request.service not in statuses:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return health_pb2.HealthCheckResponse(status=statuses[request.service])


def serve(servicer: Service, address: str) -> grpc.Server:
    """Make a server, which is yet to be started, of a Service."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    service_pb2_grpc.add_SiameseServiceServicer_to_server(servicer, server)
    gallery_pb2_grpc.add_GalleryServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
    servicer.port = server.add_insecure_port(address)
    return server


@pytest.fixture
def service() -> Iterator[tuple[Service, str]]:
    """Serve a Service on a free port."""
    servicer = Service()
    server = serve(servicer, "127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{servicer.port}"
    server.stop(None).wait()


class Program:
    """A real server, with its addresses."""

    def __init__(self, *args: str) -> None:
        if not PROGRAM.exists():
            pytest.skip(f"no real server: there is no {PROGRAM} ('make build' makes it)")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--addr", "127.0.0.1:0", "--http-addr", "", *args],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = self._wait_for(r"msg=serving address=(\S+)")
        self._wait_for("msg=ready serving_name=(omniglot)")  # the last one to be loaded
        # What the server says later has to go somewhere, so that it does not wait.
        self.rest = threading.Thread(target=self._log().read)
        self.rest.start()

    def _log(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr

    def _wait_for(self, pattern: str) -> str:
        seen = []
        for line in self._log():
            seen.append(line)
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError(f"the server ended: {''.join(seen)}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.rest.join()
        self._log().close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Start the real server once; bin/siamese, or what SIAMESE_PROGRAM names."""
    started = Program(
        "--max-message-bytes", "1000000", "--max-candidates", "3", "--max-images", "2",
        "--galleries", str(tmp_path_factory.mktemp("galleries")),
    )  # fmt: skip
    yield started
    started.stop()
