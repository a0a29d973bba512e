"""Starts a real server for scripts of TensorFlow Serving's protocol.

How to run: by scripts/tfserving_check.py.
"""

import contextlib
import re
import subprocess


@contextlib.contextmanager
def serve(program, *flags):
    """Starts PROGRAM serve, yields its gRPC address and its REST URL, and stops it."""
    command = [program, "serve", "--addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield addresses(process)
        finally:
            process.terminate()
            process.communicate()


def addresses(process):
    """Reads the log until all addresses are told and a model answers."""
    log, found = "", {}
    for line in process.stderr:
        log += line
        for name, pattern in (("rest", r"msg=page url=(\S+?)/?\s"), ("grpc", r"msg=serving address=(\S+)")):
            if match := re.search(pattern, line):
                found[name] = match[1]
        if len(found) == 2:
            return found["grpc"], found["rest"]
    raise RuntimeError(f"the server ended:\n{log}")
