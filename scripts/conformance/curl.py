#!/usr/bin/env python3
"""Runs conformance cases by curl: the contract as JSON over HTTP/1.1.

How to run: scripts/conformance/curl.py GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
"""

import json
import subprocess
import sys

import contract_json


def main(_, address, cases_file):
    def call(method, messages):
        (request,) = messages
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "120",
             "--header", "Content-Type: application/json", "--data-binary", "@-", "--write-out", "\n%{http_code}",
             f"http://{address}/{method}"],
            input=json.dumps(request).encode(), stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        body, _, status = done.stdout.decode().rpartition("\n")
        reply = json.loads(body)
        if status == "200":
            return [reply]
        # Connect writes codes in lower case, and details as JSON beside their bytes.
        code = "CANCELLED" if reply["code"] == "canceled" else reply["code"].upper()
        raise contract_json.CallFailed(code, [detail["debug"] for detail in reply.get("details", [])])

    contract_json.run(call, cases_file, streams=False)


if __name__ == "__main__":
    main(*sys.argv[1:4])
