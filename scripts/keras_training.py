"""Has Keras train a tiny network, for ours to make the same steps.

What: builds a network of VGG16's form with an 8x10 input, blocks of 3 and 4, 4 channels and
a head of 5, and lets Keras' own train_on_batch do three updates from seeded weights on one
seeded batch, once with SGD (Nesterov) and once with Adam. Writes testdata/keras/training:
weights.safetensors (before), pixels.u8 (the images), goldens.json (batch, optimizers,
losses) and for each optimizer the weights after the three updates.

How to run, from the repository root (first set-up: scripts/requirements-keras.txt):

    python3 scripts/keras_training.py           # make the goldens again
    python3 scripts/keras_training.py --check   # compare with the committed ones

With --check nothing is written; exit status 1 and a line per difference tell of a
disagreement.
"""

import argparse
import itertools
import json
import os
import pathlib
import sys

# Before TensorFlow is imported: plain kernels vary less from machine to machine than
# oneDNN's, and TensorFlow's log is noise here.
os.environ.update(
    CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0"
)

import keras  # noqa: E402
import numpy as np  # noqa: E402
import safetensors.numpy  # noqa: E402
import tensorflow as tf  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "testdata/keras/training"

HEIGHT, WIDTH = 8, 10
BLOCKS = ((3,), (4, 4))
HIDDEN = 5
CLASSES = (0, 0, 1, 1, 2, 2)  # of the images of the batch
UPDATES = 3
# With this seed three quarters of each tensor learn, and no gradient is so near 0 (least:
# 8e-5) that it is rounding alone, which Adam would blow up to a whole step.
SEED = 110

# The trainer's own words for a run; momentum is Adam's beta 1.
RUNS = (
    {"file": "sgd.safetensors", "learning_rate": 0.05,
     "config": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True, "pair_weight": 1}},
    {"file": "adam.safetensors", "learning_rate": 0.01,
     "config": {"optimizer": "adam", "momentum": 0.9, "pair_weight": 1}},
)

# Float32 sums taken in another order were seen to move losses and weights by less than
# 1e-6; classical momentum in Nesterov's place moves a loss by more than 1e-2.
TOLERANCE = 1e-5


def optimizer(run):
    """Returns Keras' optimizer for a run."""
    config = run["config"]
    if config["optimizer"] == "sgd":
        return keras.optimizers.SGD(run["learning_rate"], momentum=config["momentum"], nesterov=config["nesterov"])
    return keras.optimizers.Adam(run["learning_rate"], beta_1=config["momentum"], beta_2=0.999, epsilon=1e-7)


def siamese():
    """Builds the network: two pictures [N,8,10,3] in 0..1 → similarity [N,1]."""
    image = keras.Input((HEIGHT, WIDTH, 3))
    x = image
    for block, widths in enumerate(BLOCKS, start=1):
        for conv, width in enumerate(widths, start=1):
            name = f"block{block}_conv{conv}"
            x = keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2)(x)
    encode = keras.Model(image, keras.layers.Flatten()(x), name="encoder")
    a, b = keras.Input((HEIGHT, WIDTH, 3)), keras.Input((HEIGHT, WIDTH, 3))
    distance = keras.ops.abs(encode(a) - encode(b))
    hidden = keras.layers.Dense(HIDDEN, activation="relu", name="dense_1")(distance)
    return keras.Model([a, b], keras.layers.Dense(1, activation="sigmoid", name="dense_2")(hidden))


def weighted_layers(network):
    """The layers with weights, in network order."""
    layers = network.get_layer("encoder").layers + [network.get_layer("dense_1"), network.get_layer("dense_2")]
    return [layer for layer in layers if layer.weights]


def get_weights(network):
    """Returns {"<layer>/kernel" or "<layer>/bias": float32 array} in network order."""
    return {
        f"{layer.name}/{part}": value
        for layer in weighted_layers(network)
        for part, value in zip(("kernel", "bias"), layer.get_weights())
    }


def set_weights(network, weights):
    for layer in weighted_layers(network):
        layer.set_weights([weights[f"{layer.name}/{part}"] for part in ("kernel", "bias")])


def initial_weights():
    """Seeded weights, large enough that ReLUs and sigmoid stay away from their flat parts."""
    random = np.random.RandomState(SEED)
    shapes = {name: value.shape for name, value in get_weights(siamese()).items()}
    return {name: (0.4 * random.randn(*shape)).astype(np.float32) for name, shape in shapes.items()}


def batch():
    """Returns the images, uint8 [6,8,10,3], and all their pairs: indices a, b, and 1 for the same class."""
    pixels = np.random.RandomState(SEED + 1).randint(0, 256, (len(CLASSES), HEIGHT, WIDTH, 3)).astype(np.uint8)
    a, b = (list(side) for side in zip(*itertools.combinations(range(len(CLASSES)), 2)))
    return pixels, a, b, [int(CLASSES[i] == CLASSES[j]) for i, j in zip(a, b)]


def train(run, weights):
    """Returns the losses before each update and after the last, and the weights after it."""
    network = siamese()
    set_weights(network, weights)
    # The mean over the pairs: each counts 1/M.
    network.compile(optimizer(run), keras.losses.BinaryCrossentropy())
    pixels, a, b, same = batch()
    images = pixels.astype(np.float32) / 255
    pairs, labels = [images[a], images[b]], np.array(same, np.float32)[:, None]
    losses = [float(network.train_on_batch(pairs, labels)) for _ in range(UPDATES)]
    losses.append(float(network.test_on_batch(pairs, labels)))
    return losses, get_weights(network)


def describe(losses):
    """Returns what goldens.json holds; losses are one list a run."""
    _, a, b, same = batch()
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "a": a,
        "b": b,
        "same": [bool(label) for label in same],
        "runs": [run | {"losses": [float(f"{loss:.7g}") for loss in found]} for run, found in zip(RUNS, losses)],
    }


def write(description, tensors):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "pixels.u8").write_bytes(batch()[0].tobytes())
    (FOLDER / "goldens.json").write_text(json.dumps(description, indent=1) + "\n")
    for name, weights in tensors.items():
        (FOLDER / name).write_bytes(safetensors.numpy.save(weights))
    print(f"keras training: {len(RUNS)} runs of {UPDATES} updates written")


def differences(description, tensors):
    """Yields a line for each thing that is not as committed."""
    golden = json.loads((FOLDER / "goldens.json").read_text())
    if (FOLDER / "pixels.u8").read_bytes() != batch()[0].tobytes():
        yield "pixels.u8: other pixels than committed"
    if [golden[key] for key in ("a", "b", "same")] != [description[key] for key in ("a", "b", "same")]:
        yield "goldens.json: other pairs than committed"
    if len(golden["runs"]) != len(RUNS):
        yield f"goldens.json: {len(golden['runs'])} runs, expected {len(RUNS)}"
    for got, want in zip(description["runs"], golden["runs"]):
        if {**got, "losses": []} != {**want, "losses": []}:
            yield f"goldens.json: run {want['file']} is of another configuration"
        # Written as "not within", so that a NaN counts as a difference.
        if not np.allclose(got["losses"], want["losses"], rtol=0, atol=TOLERANCE):
            yield f"{got['file']}: losses {got['losses']}, expected {want['losses']}, tolerance {TOLERANCE:g}"
    for name, weights in tensors.items():
        # The first weights are drawn, not computed: they are the same to the bit.
        tolerance = 0 if name == "weights.safetensors" else TOLERANCE
        want = safetensors.numpy.load_file(FOLDER / name)
        if set(want) != set(weights):
            yield f"{name}: tensors {sorted(weights)}, expected {sorted(want)}"
            continue
        off = max(np.abs(weights[key] - want[key]).max() for key in want)
        if not off <= tolerance:
            yield f"{name}: weights differ by {off:.3g}, tolerance {tolerance:g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed goldens")
    args = parser.parse_args()
    before = initial_weights()
    trained = [train(run, before) for run in RUNS]
    description = describe([losses for losses, _ in trained])
    tensors = {"weights.safetensors": before} | {run["file"]: after for run, (_, after) in zip(RUNS, trained)}
    if not args.check:
        write(description, tensors)
        return
    found = list(differences(description, tensors))
    for line in found:
        print(f"keras training: {line}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"keras training: {len(RUNS)} runs of {UPDATES} updates agree with the goldens")


if __name__ == "__main__":
    main()
