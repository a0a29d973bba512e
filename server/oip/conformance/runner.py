"""Runs the cases of testdata/conformance by Triton's clients.

What: writes a line of JSON a case, as testdata/conformance/README.md says. What the
protocol has no form for is unsupported. Its tensors are told by the contract's fields,
so that answers can be held against those of other clients: inputs[0] is image_a. The
protocol has no error of an item; where one fails, its request is made again item by item.
How to run: runner.py grpc|http GRPC_ADDRESS HTTP_ADDRESS CASES_FILE, by grpc.sh and http.sh.
"""

import hashlib
import json
import pathlib
import re
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from google.rpc import error_details_pb2, status_pb2
from tritonclient.utils import InferenceServerException

DETAILS = "grpc-status-details-bin"


class Unsupported(Exception):
    """Says why the protocol has no such thing."""


class Refused(Exception):
    """Is an error of a call: its code, reason and field in the protocol."""

    def __init__(self, code: str, reason: str, field: str):
        super().__init__(code, reason, field)
        self.code, self.reason, self.field = code, reason, field


class GRPC:
    """Calls by tritonclient.grpc."""

    module = tritonclient.grpc

    def __init__(self, grpc: str, _http: str):
        self.client = self.module.InferenceServerClient(grpc)

    def call(self, do):
        try:
            return do(self.client)
        except InferenceServerException as refusal:
            raise self.read(refusal) from None

    @staticmethod
    def read(refusal) -> Refused:
        """Reads the details that the client leaves in the exception of gRPC behind its own."""
        reason = field = ""
        for key, value in refusal.__context__.trailing_metadata():
            if key != DETAILS:
                continue
            for packed in status_pb2.Status.FromString(value).details:
                info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
                if packed.Unpack(info):
                    reason = info.reason
                elif packed.Unpack(request):
                    field = request.field_violations[0].field
        return Refused(refusal.status().removeprefix("StatusCode."), reason, field)


class HTTP:
    """Calls by tritonclient.http."""

    module = tritonclient.http

    def __init__(self, _grpc: str, http: str):
        self.client = self.module.InferenceServerClient(http, network_timeout=120.0)
        self.body = b""
        for name in ("_get", "_post"):
            setattr(self.client, name, self.keeping(getattr(self.client, name)))

    def keeping(self, send):
        """Keeps the body of a refusal, of which the client tells the message alone."""

        def kept(*args, **kwargs):
            response = send(*args, **kwargs)
            if response.status_code != 200:
                self.body = body = response.read()
                response.read = lambda *_: body
            return response

        return kept

    def call(self, do):
        try:
            return do(self.client)
        except InferenceServerException:
            told = json.loads(self.body)
            raise Refused(told["code"], told.get("reason", ""), told.get("field", "")) from None


class Runner:
    """Runs cases by one of the clients."""

    def __init__(self, way, folder: pathlib.Path):
        self.way, self.folder = way, folder

    def run(self, case: dict) -> dict:
        """Returns the line of a case without its name."""
        try:
            results = getattr(self, case["call"], self.unsupported)(case)
        except Unsupported as why:
            return {"unsupported": str(why)}
        except Refused as refusal:
            return {"error": told(refusal, case)}
        return {"results": results}

    @staticmethod
    def unsupported(case: dict):
        raise Unsupported(f"the protocol has no {case['call']}")

    def compare(self, case: dict) -> list[str]:
        return self.score(case, [(case["a"], case["b"])])

    def batch(self, case: dict) -> list[str]:
        """Splits the pairs by the model's limit."""
        pairs, results = case["pairs"], []
        limit = self.limit(case, "")
        for begin in range(0, max(len(pairs), 1), limit):
            results += self.items(case, pairs[begin : begin + limit], begin, self.score)
        return results

    def embed(self, case: dict) -> list[str]:
        return self.items(case, case["images"], 0, self.encode)

    def items(self, case: dict, items: list, begin: int, do) -> list[str]:
        """Does it for all items at once or, where one fails, one by one."""
        try:
            return do(case, items)
        except Refused as refusal:
            if not re.fullmatch(r"inputs\[\d\]\[\d+\]", refusal.field):
                raise
        results = []
        for index, item in enumerate(items, begin):
            try:
                results += do(case, [item])
            except Refused as refusal:
                results.append(told(refusal, case, index))
        return results

    def score(self, case: dict, pairs: list) -> list[str]:
        if case.get("include_prepared"):
            raise Unsupported("the protocol tells no prepared pictures")
        if "test_time_views" in case:
            raise Unsupported("the protocol scores pictures alone")
        inputs = [self.tensor(name, [pair[i] for pair in pairs]) for i, name in enumerate(("image_a", "image_b"))]
        result = self.infer(case, "", inputs)
        verdicts = zip(result.as_numpy("similarity"), result.as_numpy("same"))
        return [f"{'%.9g' % similarity} {'same' if same else 'different'}" for similarity, same in verdicts]

    def encode(self, case: dict, images: list) -> list[str]:
        embeddings = self.infer(case, "-encode", [self.tensor("image", images)]).as_numpy("embedding")
        return [f"{len(row)} {hashlib.sha256(row.astype('<f4').tobytes()).hexdigest()}" for row in embeddings]

    def infer(self, case: dict, suffix: str, inputs: list):
        model, version = model_of(case, suffix)
        options = {"parameters": {"threshold": case["threshold"]}} if "threshold" in case else {}
        return self.way.call(lambda client: client.infer(model, inputs, model_version=version, **options))

    def limit(self, case: dict, suffix: str) -> int:
        model, version = model_of(case, suffix)
        told = self.way.call(lambda client: client.get_model_config(model, version))
        return told["max_batch_size"] if isinstance(told, dict) else told.config.max_batch_size

    def tensor(self, name: str, pictures: list):
        """Returns an input of pictures, all files or all pixels of one size."""
        if any(isinstance(picture, dict) for picture in pictures):
            values, datatype = np.stack([self.pixels(picture) for picture in pictures]), "UINT8"
        else:
            values, datatype = np.array([self.file(picture) for picture in pictures], dtype=object), "BYTES"
        made = self.way.module.InferInput(name, list(values.shape), datatype)
        made.set_data_from_numpy(values)
        return made

    def file(self, picture) -> bytes:
        if picture is None:
            raise Unsupported("a tensor has no item that is unset")
        return (self.folder / picture).read_bytes()

    def pixels(self, picture) -> np.ndarray:
        if not isinstance(picture, dict):
            raise Unsupported("files and pixels can't share a tensor")
        if "raw" not in picture:
            raise Unsupported(f"a tensor has no {next(iter(picture))}")
        channels = {"RGB8": 3, "GRAY8": 1}.get(picture["format"])
        values = np.frombuffer((self.folder / picture["raw"]).read_bytes(), np.uint8)
        if channels is None or values.size != picture["height"] * picture["width"] * channels:
            raise Unsupported("a tensor's shape says how many pixels there are, and of how many channels")
        return values.reshape(picture["height"], picture["width"], channels)


def model_of(case: dict, suffix: str) -> tuple[str, str]:
    """Returns name and version. The protocol has no default model: the server's is auto,
    whose embeddings come of several models."""
    model, _, version = case.get("model", "auto").partition("/")
    if (model, suffix) == ("auto", "-encode"):
        raise Unsupported("embeddings of several models share no tensor")
    return model + suffix, version


def told(refusal: Refused, case: dict, index: int | None = None) -> str:
    """Returns an error with the contract's name of its field; index is that of the item."""
    field = refusal.field
    item = re.fullmatch(r"inputs\[(\d)\](?:\[(\d+)\])?", field)
    if field == "parameters[threshold]":
        field = "options.threshold"
    elif item and case["call"] == "embed":
        field = "images" if item[2] is None else f"images[{item[2] if index is None else index}]"
    elif item:
        which = ("image_a", "image_b")[int(item[1])]
        if case["call"] == "compare":
            field = which
        else:
            field = "pairs" if item[2] is None else f"pairs[{item[2] if index is None else index}].{which}"
    return f"{refusal.code}/{refusal.reason}/{field}"


def main() -> None:
    way = {"grpc": GRPC, "http": HTTP}[sys.argv[1]](sys.argv[2], sys.argv[3])
    cases = pathlib.Path(sys.argv[4])
    runner = Runner(way, cases.parent)
    for case in json.loads(cases.read_text()):
        print(json.dumps({"case": case["case"], **runner.run(case)}), flush=True)


if __name__ == "__main__":
    main()
