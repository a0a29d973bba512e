"""Shows that weight files pass between Keras and ours, both ways, and lose nothing.

What: for the whole network with the built-in weights,
  a checkpoint that bin/siamese writes is loaded by Keras 3 and by tf-keras into the
  network as Siamese-keras builds it, in the order of the layers and by their names;
  files that Keras 3 and tf-keras write (save_weights and whole models, one flat graph and
  the encoder as a model within it) are given to `bin/siamese compare --model`.
A line a check is printed; exit status 1 and a line per difference tell of a disagreement.

How to run, from the repository root, after make build (first set-up: scripts/keras-check.sh):

    python3 scripts/keras_weights_check.py

`--siamese PATH` names another program than bin/siamese; `--pooled FILE`, which may come again,
a safetensors file of a pooled network, whose checkpoint Keras 3 has to load too.
"""

import argparse
import json
import logging
import pathlib
import subprocess
import sys
import tempfile
import warnings

import keras_parity as parity  # first: it sets up the environment of TensorFlow

import absl.logging
import keras
import numpy as np
import tf_keras

WEIGHTS = parity.ROOT / "tfmodel/builtin/omniglot.safetensors"
LIBRARIES = {"keras 3": keras, "tf-keras": tf_keras}

# Two drawings of one character, and two photographs with a similarity far from 0 and 1,
# where the sigmoid hides nothing.
PAIRS = (
    ("testdata/omniglot/Greek/character01/0394_01.png", "testdata/omniglot/Greek/character01/0394_02.png"),
    ("testdata/photos/ridge_grey.png", "testdata/photos/marble.png"),
)

# The same weights in the same kernels: what is left is the order of sums.
TOLERANCE = 1e-5
# Between Keras here and the goldens, which may come from another machine.
GOLDEN_TOLERANCE = parity.SIMILARITY_TOLERANCE

# (name, library, encoder nested, how it is saved)
FILES = (
    ("keras3_flat.weights.h5", "keras 3", False, "save_weights"),
    ("keras3_nested.weights.h5", "keras 3", True, "save_weights"),
    ("keras3_model_flat.h5", "keras 3", False, "save"),
    ("keras3_model_nested.h5", "keras 3", True, "save"),
    ("tfkeras_flat.h5", "tf-keras", False, "save_weights"),
    ("tfkeras_nested.h5", "tf-keras", True, "save_weights"),
    ("tfkeras_flat.weights.h5", "tf-keras", False, "save_weights"),
    ("tfkeras_nested.weights.h5", "tf-keras", True, "save_weights"),
    ("tfkeras_model_flat.h5", "tf-keras", False, "save"),
    ("tfkeras_model_nested.h5", "tf-keras", True, "save"),
)


def quiet():
    """Silences the advice to save as .keras, which is not what is to be read here."""
    absl.logging.set_verbosity(absl.logging.ERROR)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="You are saving your model as an HDF5 file")


def siamese(lib, nested=False):
    """Builds the network in a Keras library. As Siamese-keras has it, the encoder's layers
    lie in one flat graph and are called on both pictures; nested, they are one model."""
    layers = lib.layers
    stack = []
    for block, (convolutions, filters) in enumerate(parity.VGG16, start=1):
        for conv in range(1, convolutions + 1):
            name = f"block{block}_conv{conv}"
            stack.append(layers.Conv2D(filters, 3, padding="same", activation="relu", name=name))
        stack.append(layers.MaxPooling2D(2, name=f"block{block}_pool"))
    stack.append(layers.Flatten(name="flatten"))
    shape = (parity.SIDE, parity.SIDE, 3)
    if nested:
        image = lib.Input(shape)
        stack = [lib.Model(image, apply(stack, image), name="encoder")]
    one, two = lib.Input(shape, name="input_1"), lib.Input(shape, name="input_2")
    distance = layers.Lambda(
        lambda pair: abs(pair[0] - pair[1]), output_shape=lambda shapes: shapes[0], name="lambda_1"
    )([apply(stack, one), apply(stack, two)])
    hidden = layers.Dense(512, activation="relu", name="dense_1")(distance)
    return lib.Model([one, two], layers.Dense(1, activation="sigmoid", name="dense_2")(hidden))


def pooled(architecture):
    """Builds a pooled network in Keras 3, its layers in one flat graph."""
    shape = (architecture["height"], architecture["width"], 3)
    one, two = keras.Input(shape, name="input_1"), keras.Input(shape, name="input_2")
    encode = parity.encoder(architecture)
    layers = encode.layers[1:]
    distance = keras.layers.Lambda(lambda pair: abs(pair[0] - pair[1]), output_shape=lambda shapes: shapes[0], name="lambda_1")(
        [apply(layers, one), apply(layers, two)]
    )
    hidden = keras.layers.Dense(512, activation="relu", name="dense_1")(distance)
    return keras.Model([one, two], keras.layers.Dense(1, activation="sigmoid", name="dense_2")(hidden))


def check_pooled(report, program, folder, path):
    """Has Keras load the checkpoint of a pooled network, by order and by name."""
    program.run("model", "export", "--format", "keras-h5", "--model", path, folder / "pooled.h5")
    tensors = parity.read_safetensors(path)
    for by_name in (False, True):
        network = pooled(parity.read_architecture(path))
        network.load_weights(folder / "pooled.h5", by_name=by_name)
        layers = {layer.name: layer for layer in network.layers if layer.weights}
        got = {f"{name}/{part}": value for name, layer in layers.items() for part, value in zip(("kernel", "bias"), layer.get_weights())}
        way = f"{path.name} into keras by {'name' if by_name else 'order'}"
        # Bit for bit: the file holds float32, as the network does.
        if got.keys() != tensors.keys() or not all(np.array_equal(got[name], tensors[name]) for name in tensors):
            report.fail(f"{way}: weights differ")
        else:
            print(f"{way}: {len(got)} arrays are equal")


def apply(stack, value):
    for layer in stack:
        value = layer(value)
    return value


def predict(network, pictures):
    """Returns the similarity of each of PAIRS."""
    return network.predict(pictures, batch_size=len(PAIRS), verbose=0).reshape(-1)


def read_pictures():
    """Returns both sides of PAIRS, prepared, float32 [2,105,105,3] in 0..1 each."""
    return [
        np.stack([parity.prepare(parity.ROOT / path) for path in side]).astype(np.float32) / 255
        for side in zip(*PAIRS)
    ]


def golden_similarities():
    pairs = {(pair["a"], pair["b"]): pair["similarity"] for pair in json.loads(parity.GOLDENS.read_text())["pairs"]}
    return np.array([pairs[pair] for pair in PAIRS])


class Program:
    """The program, with a cache of its own. It inherits the setting of plain kernels."""

    def __init__(self, path, cache):
        self.path, self.cache = path, cache

    def run(self, *arguments):
        """Returns what it prints; exits with its message when it fails."""
        command = [str(argument) for argument in (self.path, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=parity.ROOT)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def similarities(self, model):
        """Returns what it says of each of PAIRS by a weight file."""
        fixed = ("compare", "--json", "--device", "cpu", "--cache", self.cache, "--model", model)
        return np.array([json.loads(self.run(*fixed, a, b))["similarity"] for a, b in PAIRS])


class Report:
    """Prints a line a check and remembers whether all held."""

    def __init__(self):
        self.held = True

    def check(self, name, got, want, tolerance):
        apart = np.abs(np.asarray(got) - want).max()
        # Written as "not within", so that a NaN counts as a difference.
        if not apart <= tolerance:
            self.fail(f"{name}: similarities {got}, expected {want}, tolerance {tolerance:g}")
            return
        print(f"{name}: similarities agree (max {apart:.2g})")

    def fail(self, line):
        self.held = False
        print(line, file=sys.stderr)


def check_into_keras(report, name, network, path, pictures):
    """Has a network that knows the weights forget them and load ours, in both ways."""
    weights, want = network.get_weights(), predict(network, pictures)
    report.check(f"{name} against the goldens", want, golden_similarities(), GOLDEN_TOLERANCE)
    for by_name in (False, True):
        way = f"ours into {name} by {'name' if by_name else 'order'}"
        network.set_weights([np.zeros_like(value) for value in weights])
        network.load_weights(path, by_name=by_name)
        # Bit for bit: the file holds float32, as the network does.
        if not all(map(np.array_equal, network.get_weights(), weights)):
            report.fail(f"{way}: weights differ from the built-in ones")
        report.check(way, predict(network, pictures), want, TOLERANCE)


def check_into_ours(report, program, network, path, want):
    """Has the program read a file of Keras, which is removed again."""
    report.check(f"{path.name} into ours", program.similarities(path), want, TOLERANCE)
    path.unlink()


def check_library(report, program, folder, library, want):
    """Does all checks of one Keras library."""
    tensors = parity.read_safetensors(WEIGHTS)
    for nested in (False, True):
        network = siamese(LIBRARIES[library], nested)
        network.set_weights(list(tensors.values()))
        if not nested:
            check_into_keras(report, library, network, folder / "ours.h5", read_pictures())
        for name, maker, within, save in FILES:
            if (maker, within) == (library, nested):
                getattr(network, save)(folder / name)
                check_into_ours(report, program, network, folder / name, want)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = parity.ROOT / "bin/siamese"
    parser.add_argument("--siamese", type=pathlib.Path, default=default, help="program to check (default: bin/siamese)")
    parser.add_argument("--pooled", type=pathlib.Path, action="append", default=[], help="safetensors file of a pooled network to check too")
    args = parser.parse_args()
    quiet()
    report = Report()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        program = Program(args.siamese.resolve(), folder / "cache")
        program.run("model", "export", "--format", "keras-h5", "--model", "omniglot", folder / "ours.h5")
        want = program.similarities(WEIGHTS)
        for path in args.pooled:
            check_pooled(report, program, folder, path.resolve())
        for library in LIBRARIES:
            check_library(report, program, folder, library, want)
    sys.exit(0 if report.held else 1)


if __name__ == "__main__":
    main()
