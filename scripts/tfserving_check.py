"""Calls a server by TensorFlow Serving's client, and compares with TensorFlow.

What: `user_program` is a program for TensorFlow Serving. It runs three times: on the
SavedModel that TensorFlow in Python loads, on a server's gRPC by tensorflow-serving-api, and
on its REST. Prints the largest differences, and fails where one is above its bound, or where
the server's metadata, states, forms of tensors or errors are not TensorFlow Serving's.

How to run, from the repository root: scripts/tfserving-check.sh, which makes what it needs:

    .venv/bin/python scripts/tfserving_check.py PROGRAM MODELS

MODELS is a folder with a SavedModel as its version 1.
"""

import base64
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", GRPC_VERBOSITY="ERROR")

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tfserving_server import serve  # noqa: E402

PHOTOS = pathlib.Path("testdata/photos")
MODEL = "general"

# Runs of other sizes and on other threads add float32 in another order: similarities are
# 0 to 1, embeddings have length 1.
SIMILARITY_BOUND = 1e-5
EMBEDDING_BOUND = 1e-5


def pictures(side):
    """Photographs and noise in the network's very size, uint8 [N,H,W,3]."""
    names = ("cat.jpg", "cat_copy.jpg", "hills.jpg", "hills_dusk.jpg")
    photos = [np.asarray(Image.open(PHOTOS / name).convert("RGB").resize((side, side))) for name in names]
    noise = np.random.default_rng(7).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    return np.concatenate([np.stack(photos), noise])


def user_program(predict, images):
    """What a user of TensorFlow Serving does; predict(signature, inputs) is all it has."""
    pairs = {"image_a": images, "image_b": np.roll(images, -1, axis=0)}
    embeddings = predict("encode", {"images": images})
    return {
        "similarity": predict("serving_default", pairs),
        "similarity of one pair": predict("serving_default", {name: batch[:1] for name, batch in pairs.items()}),
        "embeddings": embeddings,
        "similarity of embeddings": predict("compare", {"a": embeddings, "b": np.roll(embeddings, -1, axis=0)}),
    }


def by_tensorflow(folder):
    loaded = tf.saved_model.load(folder)

    def predict(signature, inputs):
        outputs = loaded.signatures[signature](**{name: tf.constant(batch) for name, batch in inputs.items()})
        (output,) = outputs.values()
        return output.numpy()

    return predict


def request(signature, inputs):
    """A PredictRequest; inputs are arrays or TensorProtos."""
    made = predict_pb2.PredictRequest()
    made.model_spec.name = MODEL
    made.model_spec.signature_name = signature
    for name, value in inputs.items():
        made.inputs[name].CopyFrom(proto(value))
    return made


def proto(value):
    return value if type(value).__name__ == "TensorProto" else tf.make_tensor_proto(value)


def by_grpc(channel):
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def predict(signature, inputs):
        (output,) = stub.Predict(request(signature, inputs), timeout=60).outputs.values()
        return tf.make_ndarray(output)

    return predict


def ask(url, body=None):
    """Returns the status and the JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def by_rest(url, rows=False):
    def predict(signature, inputs):
        body = {"signature_name": signature}
        if rows:
            names = list(inputs)
            body["instances"] = [dict(zip(names, (value.tolist() for value in row))) for row in zip(*inputs.values())]
        else:
            body["inputs"] = {name: batch.tolist() for name, batch in inputs.items()}
        status, answer = ask(f"{url}/v1/models/{MODEL}:predict", body)
        if status != 200:
            raise AssertionError(f"{signature}: {status} {answer}")
        return np.asarray(answer["predictions" if rows else "outputs"], np.float32)

    return predict


def compare(what, got, want):
    """Prints the differences and fails where one is too large."""
    for name in want:
        if got[name].shape != want[name].shape:
            raise AssertionError(f"{what}, {name}: shape {got[name].shape}, want {want[name].shape}")
        difference = float(np.abs(got[name] - want[name]).max())
        bound = EMBEDDING_BOUND if name == "embeddings" else SIMILARITY_BOUND
        print(f"{what:22} {name:26} {got[name].size:6d} numbers, largest difference {difference:.1e} (bound {bound:.0e})")
        if not difference <= bound:
            raise AssertionError(f"{what}, {name}: difference {difference}, want at most {bound}")


def check(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: {got}, want {want}")
    print(f"{what}: {got}")


def code(call, message):
    """The code that a call ends with."""
    try:
        call(message, timeout=60)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def check_forms(stub, images):
    """Tensors say the same in each form that TensorFlow has."""
    content = tf.make_tensor_proto(images[:1])
    numbers = tf.make_tensor_proto(images[:1])
    numbers.tensor_content = b""
    numbers.int_val.extend(int(v) for v in images[:1].flat)
    black = tf.make_tensor_proto(np.uint8(0), shape=images[:1].shape)  # one number for all
    zeros = tf.make_tensor_proto(np.zeros_like(images[:1]))

    def embeddings(tensor):
        return tf.make_ndarray(stub.Predict(request("encode", {"images": tensor})).outputs["embeddings"]).tobytes()

    check("int_val is as tensor_content", embeddings(numbers) == embeddings(content), True)
    check("a number that is repeated is as all of them", embeddings(black) == embeddings(zeros), True)


def check_files(stub, url):
    """Files are answered alike over gRPC and REST, rows and columns."""
    files = [(PHOTOS / name).read_bytes() for name in ("cat.jpg", "cat_copy.jpg", "hills.jpg")]
    inputs = {"image_a": files, "image_b": files[1:] + files[:1]}
    answer = stub.Predict(request("encoded", inputs)).outputs["similarity"]
    packed = {name: [{"b64": base64.b64encode(file).decode()} for file in batch] for name, batch in inputs.items()}
    rows = [dict(zip(packed, row)) for row in zip(*packed.values())]
    for body in ({"inputs": packed}, {"instances": rows}):
        status, got = ask(f"{url}/v1/models/{MODEL}/versions/1:predict", {"signature_name": "encoded", **body})
        values = np.asarray(next(iter(got.values())), np.float32)
        check(f"encoded by REST, {next(iter(body))}", (status, values.tolist()), (200, list(answer.float_val)))
    made = tf.make_ndarray(stub.Predict(request("encode_files", {"images": files})).outputs["embeddings"])
    check("encode_files", made.shape[0], len(files))


def check_metadata(stub, url, folder):
    """The SavedModel's signatures are told as it has them."""
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].signature_def
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = MODEL
    told = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(asked).metadata["signature_def"].Unpack(told)
    for name, signature in saved.items():
        check(f"signature {name} is told as the SavedModel has it", told.signature_def[name] == signature, True)
    check("signatures beside", sorted(set(told.signature_def) - set(saved)), ["encode_files", "encoded"])
    _, by_rest_ = ask(f"{url}/v1/models/{MODEL}/metadata")
    check("signatures by REST", sorted(by_rest_["metadata"]["signature_def"]["signature_def"]), sorted(told.signature_def))


def check_status(channel, url):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = MODEL
    (version,) = stub.GetModelStatus(asked).model_version_status
    check("state", (version.version, get_model_status_pb2.ModelVersionStatus.State.Name(version.state), version.status.error_code), (1, "AVAILABLE", 0))
    _, told = ask(f"{url}/v1/models/{MODEL}")
    check("state by REST", told, {"model_version_status": [{"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}]})
    asked.model_spec.name = "nowhere"
    check("state of no model", code(stub.GetModelStatus, asked), "NOT_FOUND")
    check("reload", code(stub.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest()), "UNIMPLEMENTED")


def check_errors(stub, url, images):
    """Codes and statuses are those of TensorFlow Serving."""
    wrong = {
        "signature": (request("nothing", {"images": images}), "FAILED_PRECONDITION"),
        "input": (request("encode", {"pictures": images}), "INVALID_ARGUMENT"),
        "type": (request("encode", {"images": images.astype(np.float32)}), "INVALID_ARGUMENT"),
        "rank": (request("encode", {"images": images[0]}), "INVALID_ARGUMENT"),
        "file": (request("encode_files", {"images": [b"text"]}), "INVALID_ARGUMENT"),
    }
    nowhere, filtered = request("encode", {"images": images}), request("encode", {"images": images})
    nowhere.model_spec.name = "nowhere"
    filtered.output_filter.append("nothing")
    wrong["model"], wrong["output_filter"] = (nowhere, "NOT_FOUND"), (filtered, "INVALID_ARGUMENT")
    for what, (message, want) in wrong.items():
        check(f"wrong {what}", code(stub.Predict, message), want)
    check("Classify", code(stub.Classify, classification_pb2.ClassificationRequest()), "UNIMPLEMENTED")
    for path, body, want in (("nowhere:predict", {"instances": [1], "signature_name": "encode"}, 400), (f"{MODEL}/versions/9", None, 404), (f"{MODEL}:classify", {}, 501)):
        status, told = ask(f"{url}/v1/models/{path}", body)
        check(f"REST, {path}", (status, isinstance(told.get("error"), str)), (want, True))


def main():
    program, models = sys.argv[1], pathlib.Path(sys.argv[2])
    local = by_tensorflow(str(models / "1"))
    with serve(program, "--model", f"{MODEL}={models}") as (address, url), grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        _, metadata = ask(f"{url}/v1/models/{MODEL}/metadata")
        shape = metadata["metadata"]["signature_def"]["signature_def"]["encode"]["inputs"]["images"]["tensor_shape"]["dim"]
        images = pictures(int(shape[1]["size"]))
        want = user_program(local, images)
        compare("gRPC", user_program(by_grpc(channel), images), want)
        compare("REST, columns", user_program(by_rest(url), images), want)
        compare("REST, rows", user_program(by_rest(url, rows=True), images), want)
        check_forms(stub, images)
        check_files(stub, url)
        check_metadata(stub, url, models / "1")
        check_status(channel, url)
        check_errors(stub, url, images)


if __name__ == "__main__":
    main()
