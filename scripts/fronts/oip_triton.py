"""Calls a server by Triton's clients, tritonclient.grpc and tritonclient.http.

What: models and their metadata, similarities of files and of pixels against the server's
own BatchCompare to the last bit, embeddings, compression, streams, statistics, loading,
errors.
How to run: by scripts/fronts-check.sh, as oip_triton.py GRPC HTTP TOKENFILE.
"""

import pathlib
import queue
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from native import CAT, COPY, HILLS, compare, encoded, expect, raw

PIXELS = (np.arange(40 * 60 * 3) % 251).astype(np.uint8).reshape(40, 60, 3)


def tensor(module, name: str, values, datatype: str = "BYTES"):
    """Returns an input: of files, or of pixels [N,H,W,3]."""
    array = np.array(values, dtype=object) if datatype == "BYTES" else np.stack(values)
    made = module.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array)
    return made


def refused(what: str, call) -> str:
    """Returns what a call is refused with."""
    try:
        call()
    except InferenceServerException as refusal:
        return f"{refusal.status()} {refusal.message()}"
    raise SystemExit(f"{what}: answered, want an error")


def similarity(client, module, a, b, model="general", **options):
    return [float(v) for v in client.infer(model, [a, b], **options).as_numpy("similarity")]


def check_models(client) -> None:
    expect("live", client.is_server_live(), True)
    expect("ready", client.is_server_ready(), True)
    for model in ("general", "omniglot", "auto", "general-encode"):
        expect(f"{model} ready", client.is_model_ready(model), True)
        client.get_model_config(model)
    client.get_server_metadata()
    client.get_model_repository_index()


def check_infer(client, module, http: str) -> None:
    """Holds similarities against BatchCompare's."""
    files = [tensor(module, "image_a", [CAT, CAT]), tensor(module, "image_b", [COPY, HILLS])]
    for model in ("general", "omniglot", "auto"):
        want = compare(http, [(encoded(CAT), encoded(b)) for b in (COPY, HILLS)], model)
        expect(f"similarities by {model}", similarity(client, module, *files, model=model), want)
    mixed = similarity(client, module, tensor(module, "image_a", [PIXELS], "UINT8"), tensor(module, "image_b", [CAT]))
    expect("pixels and a file", mixed, compare(http, [(raw(PIXELS), encoded(CAT))], "general"))
    result = client.infer("general", files, request_id="an id", model_version="1", parameters={"threshold": 0.0},
                          outputs=[module.InferRequestedOutput("same")])
    expect("verdicts at threshold 0", result.as_numpy("same").tolist(), [True, True])
    expect("outputs that were not asked for", result.as_numpy("similarity"), None)
    answer = result.get_response()
    expect("id", answer["id"] if isinstance(answer, dict) else answer.id, "an id")
    embeddings = client.infer("general-encode", [tensor(module, "image", [CAT, HILLS, CAT])]).as_numpy("embedding")
    expect("embeddings of one picture", np.array_equal(embeddings[0], embeddings[2]), True)
    expect("embeddings of two", np.array_equal(embeddings[0], embeddings[1]), False)


def check_errors(client, module, codes: dict) -> None:
    a, b = tensor(module, "image_a", [CAT, CAT]), tensor(module, "image_b", [CAT, b"no picture"])
    for code, words, call in (
        ("INVALID_ARGUMENT", "inputs[1][1]: received data that starts with", lambda: client.infer("general", [a, b])),
        ("INVALID_ARGUMENT", "expected at most 64", lambda: client.infer("general", [tensor(module, n, [CAT] * 65) for n in ("image_a", "image_b")])),
        ("NOT_FOUND", "received model", lambda: client.infer("nowhere", [a, b])),
        ("UNIMPLEMENTED", "no shared memory", client.get_system_shared_memory_status),
        ("PERMISSION_DENIED", "--admin-tokens", lambda: client.load_model("general")),
    ):
        got = refused(words, call)
        if not got.startswith(codes[code]) or words not in got:
            raise SystemExit(f"refused with {got!r}, want {codes[code]} and {words!r}")


def check_stream(grpc: str, http: str) -> None:
    module, answers = tritonclient.grpc, queue.Queue()
    want = compare(http, [(encoded(CAT), encoded(HILLS))], "general")
    with module.InferenceServerClient(grpc) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        for frame in range(6):
            other = HILLS if frame % 2 else b"no picture"
            client.async_stream_infer("general", [tensor(module, "image_a", [CAT]), tensor(module, "image_b", [other])], request_id=str(frame))
        for frame in range(6):
            result, error = answers.get(timeout=60)
            expect(f"error of frame {frame}", error is not None, frame % 2 == 0)
            if error is None:
                expect("order", result.get_response().id, str(frame))
                expect("similarity", [float(v) for v in result.as_numpy("similarity")], want)


def main() -> None:
    grpc, http, token = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).read_text().strip()
    operator = {"authorization": f"Bearer {token}"}
    with tritonclient.grpc.InferenceServerClient(grpc) as client:
        check_models(client)
        check_infer(client, tritonclient.grpc, http)
        names = ("INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "PERMISSION_DENIED")
        check_errors(client, tritonclient.grpc, {name: f"StatusCode.{name}" for name in names})
        client.load_model("general", headers=operator)
        counted = client.get_inference_statistics("general").model_stats[0]
        expect("statistics", (counted.inference_count, counted.inference_stats.fail.count), (5, 2))
    check_stream(grpc, http)
    with tritonclient.http.InferenceServerClient(http) as client:
        check_models(client)
        check_infer(client, tritonclient.http, http)
        check_errors(client, tritonclient.http, {"INVALID_ARGUMENT": "400", "NOT_FOUND": "404", "UNIMPLEMENTED": "501", "PERMISSION_DENIED": "403"})
        client.load_model("general", headers=operator)
        pair = [tensor(tritonclient.http, "image_a", [CAT]), tensor(tritonclient.http, "image_b", [HILLS])]
        plain = similarity(client, None, *pair)
        for packing in ("gzip", "deflate"):
            packed = similarity(client, None, *pair, request_compression_algorithm=packing, response_compression_algorithm=packing)
            expect(packing, packed, plain)
    print("tritonclient.grpc and tritonclient.http: as they should be")


if __name__ == "__main__":
    main()
