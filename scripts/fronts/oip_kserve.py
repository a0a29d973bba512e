"""Calls a server by KServe's clients, InferenceGRPCClient and InferenceRESTClient.

What: readiness, similarities of files and of pixels against the server's own BatchCompare to
the last bit, embeddings, errors.
How to run: by scripts/fronts-check.sh, as oip_kserve.py GRPC HTTP TOKENFILE.
"""

import asyncio
import logging
import sys

import grpc
import httpx
import numpy as np
from kserve import InferInput, InferRequest, InferenceGRPCClient, InferenceRESTClient, RESTConfig

from native import CAT, COPY, HILLS, compare, encoded, expect, raw

PIXELS = (np.arange(40 * 60 * 3) % 251).astype(np.uint8).reshape(40, 60, 3)


def request(model: str, **inputs) -> InferRequest:
    """Returns a request of inputs: files, or pixels [N,H,W,3]."""
    tensors = []
    for name, values in inputs.items():
        is_files = isinstance(values[0], bytes)
        array = np.array(values, dtype=object) if is_files else np.stack(values)
        tensor = InferInput(name, list(array.shape), "BYTES" if is_files else "UINT8")
        tensor.set_data_from_numpy(array, binary_data=True)
        tensors.append(tensor)
    return InferRequest(model, tensors, request_id="an id")


def output(response, name: str):
    return next(out for out in response.outputs if out.name == name).as_numpy()


async def check(infer, http: str, who: str) -> None:
    """Holds answers of infer(model, request) against BatchCompare's."""
    for model in ("general", "omniglot", "auto"):
        response = await infer(model, request(model, image_a=[CAT, CAT], image_b=[COPY, HILLS]))
        want = compare(http, [(encoded(CAT), encoded(b)) for b in (COPY, HILLS)], model)
        expect(f"{who}: similarities by {model}", [float(v) for v in output(response, "similarity")], want)
        expect(f"{who}: id", response.id, "an id")
    response = await infer("general", request("general", image_a=[PIXELS], image_b=[CAT]))
    want = compare(http, [(raw(PIXELS), encoded(CAT))], "general")
    expect(f"{who}: pixels and a file", [float(v) for v in output(response, "similarity")], want)
    response = await infer("general-encode", request("general-encode", image=[CAT, HILLS]))
    expect(f"{who}: shape of embeddings", output(response, "embedding").shape[0], 2)


async def over_grpc(address: str, http: str) -> None:
    async with InferenceGRPCClient(address) as client:
        expect("live", await client.is_server_live(), True)
        expect("ready", await client.is_server_ready(), True)
        expect("model ready", await client.is_model_ready("general"), True)
        await check(lambda _, asked: client.infer(asked), http, "gRPC")
        try:
            await client.infer(request("general", image_a=[CAT], image_b=[b"no picture"]))
        except grpc.RpcError as refusal:
            expect("gRPC: code of no picture", refusal.code(), grpc.StatusCode.INVALID_ARGUMENT)
            expect("gRPC: field of no picture", refusal.details().split(":")[0], "inputs[1][0]")
        else:
            raise SystemExit("gRPC: no picture was answered, want an error")


async def over_rest(http: str) -> None:
    url = f"http://{http}"
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        expect("live", await client.is_server_live(url), True)
        expect("ready", await client.is_server_ready(url), True)
        expect("model ready", await client.is_model_ready(url, "general"), True)
        await check(lambda model, asked: client.infer(url, asked, model_name=model), http, "REST")
        try:
            await client.infer(url, request("general", image_a=[CAT], image_b=[b"no picture"]), model_name="general")
        except httpx.HTTPStatusError as refusal:
            told = refusal.response.json()
            expect("REST: no picture", (refusal.response.status_code, told["code"], told["field"]), (400, "INVALID_ARGUMENT", "inputs[1][0]"))
        else:
            raise SystemExit("REST: no picture was answered, want an error")


def main() -> None:
    logging.disable(logging.CRITICAL)  # it logs each refusal with its stack
    asyncio.run(over_grpc(sys.argv[1], sys.argv[2]))
    asyncio.run(over_rest(sys.argv[2]))
    print("kserve over gRPC and REST: as they should be")


if __name__ == "__main__":
    main()
