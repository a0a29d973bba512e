#!/usr/bin/env python3
"""Runs conformance cases by grpcurl: gRPC from JSON, by the server's reflection.

GRPCURL in the environment names the program; default: grpcurl.

How to run: scripts/conformance/grpcurl.py GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
"""

import json
import os
import subprocess
import sys

import contract_json

# grpcurl ends with this and the status's code where the call failed.
STATUS_OFFSET = 64


def main(address, _, cases_file):
    program = os.environ.get("GRPCURL", "grpcurl")

    def call(method, messages):
        done = subprocess.run(
            [program, "-plaintext", "-format-error", "-max-msg-sz", str(16 << 20), "-max-time", "120", "-d", "@",
             address, method],
            input="".join(map(json.dumps, messages)).encode(), capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return list(objects(done.stdout.decode()))
        if done.returncode < STATUS_OFFSET:
            raise SystemExit(f"{program} ended with {done.returncode}: {done.stderr.decode()}")
        status = json.loads(done.stderr)
        raise contract_json.CallFailed(contract_json.CODES[status["code"]], status.get("details", []))

    contract_json.run(call, cases_file)


def objects(text):
    """Yield the JSON objects of a text, one after another."""
    decoder = json.JSONDecoder()
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:].strip()


if __name__ == "__main__":
    main(*sys.argv[1:4])
