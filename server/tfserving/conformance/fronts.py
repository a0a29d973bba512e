"""Predict over gRPC and by REST, for runner.py: what a client of TensorFlow Serving has."""

import base64
import json
import urllib.error
import urllib.request

import grpc
import numpy as np
import tensorflow as tf
from google.rpc import error_details_pb2, status_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


class Unsupported(Exception):
    """What the protocol lacks."""


class Failure(Exception):
    """A call's error: the names of code and reason, and the field."""

    def __init__(self, code, reason, field):
        super().__init__(f"{code}/{reason}/{field}")
        self.code, self.reason, self.field = code, reason, field


class Grpc:
    """Predict over gRPC. The answer names the model that has made it."""

    def __init__(self, grpc_address, _):
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(grpc_address))

    def predict(self, model, signature, inputs):
        request = predict_pb2.PredictRequest()
        request.model_spec.name, _, version = model.partition("/")
        request.model_spec.signature_name = signature
        if version.isdecimal():
            request.model_spec.version.value = int(version)
        elif version:
            request.model_spec.version_label = version
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tensor(value))
        try:
            answer = self.stub.Predict(request, timeout=60)
        except grpc.RpcError as error:
            raise told(error) from error
        (output,) = answer.outputs.values()
        return tf.make_ndarray(output), answer.model_spec.name


def tensor(value):
    """A list of files, a pair of pixels' bytes and their shape, or numbers."""
    if isinstance(value, tuple):
        content, shape = value
        made = tf.make_tensor_proto(np.zeros(0, np.uint8), shape=[0])
        made.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
        made.tensor_content = content
        return made
    if isinstance(value, list):
        return tf.make_tensor_proto(value, tf.string, shape=[len(value)])
    return tf.make_tensor_proto(value)


def told(error):
    """The failure in a call's error."""
    reason = field = ""
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad):
                field = bad.field_violations[0].field
    return Failure(error.code().name, reason, field)


class Rest:
    """Predict by REST. The answer does not name the model."""

    def __init__(self, _, http_address):
        self.url = f"http://{http_address}/v1/models/"

    def predict(self, model, signature, inputs):
        name, _, version = model.partition("/")
        if version:
            name += ("/versions/" if version.isdecimal() else "/labels/") + version
        body = {"signature_name": signature, "inputs": {key: spelled(value) for key, value in inputs.items()}}
        try:
            answer = post(f"{self.url}{name}:predict", body)
        except urllib.error.HTTPError as error:
            said = json.load(error)
            raise Failure(said["code"], said.get("reason", ""), said.get("field", "")) from error
        return np.asarray(answer["outputs"], np.float32), None


def spelled(value):
    """An input as JSON has it."""
    if isinstance(value, tuple):
        content, shape = value
        if len(content) != np.prod(shape):
            raise Unsupported("lists in JSON have no shape beside them that could differ")
        return np.frombuffer(content, np.uint8).reshape(shape).tolist()
    if isinstance(value, list):
        return [{"b64": base64.b64encode(file).decode()} for file in value]
    return value.tolist()


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
