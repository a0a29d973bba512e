"""Starts siamese, a program in Go, with the TensorFlow of the wheel beside it."""

import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_LIBRARY = "libtensorflow_cc.so.2"


def _tensorflow():
    """The folder of TensorFlow's library, found without importing TensorFlow."""
    spec = importlib.util.find_spec("tensorflow")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if os.path.exists(os.path.join(folder, _LIBRARY)):
            return folder
    return None


def _start(program):
    folder = _tensorflow()
    # The program finds it by itself in the folder beside its own. It may be elsewhere:
    # in a user's site-packages, or below a virtual environment's.
    if folder and os.path.realpath(folder) != os.path.realpath(os.path.join(_HERE, "..", "tensorflow")):
        paths = [folder, os.environ.get("LD_LIBRARY_PATH", "")]
        os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(path for path in paths if path)
    if folder is None and program == "siamese":
        sys.exit(f"siamese: {_LIBRARY} of tensorflow-cpu is not there: "
                 "pip install --force-reinstall siamese-server; siamese-doctor says more")
    path = os.path.join(_HERE, "bin", program)
    os.execv(path, [path, *sys.argv[1:]])


def siamese():
    """The command siamese. It does not return."""
    _start("siamese")


def doctor():
    """The command siamese-doctor. It does not return."""
    _start("siamese-doctor")
