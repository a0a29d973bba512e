"""Shows that the network is the same in Keras.

What: builds the VGG16 Siamese network in Keras 3, loads the weights of a safetensors
file, prepares pictures with Pillow, and records what Keras computes as goldens for the Go
tests: testdata/keras/goldens.json (hashes of the prepared pictures, similarities) and
testdata/keras/embeddings.f32 (float32 little endian [N,4608], in the order of "images").

How to run, from the repository root (first set-up: scripts/requirements-keras.txt):

    python3 scripts/keras_parity.py                    # make the goldens again
    python3 scripts/keras_parity.py --check            # compare with the committed ones
    python3 scripts/keras_parity.py --savedmodel DIR   # compare a SavedModel with Keras

`--weights PATH` names other weights than the built-in ones; how a network pools comes from
the file's metadata. With --check and --savedmodel
nothing is written; exit status 1 and a line per difference tell of a disagreement.
"""

import argparse
import hashlib
import itertools
import json
import os
import pathlib
import sys

# Before TensorFlow is imported. The goldens come from the CPU's plain kernels, which vary
# less from machine to machine than oneDNN's; TensorFlow's log is noise here.
os.environ.update(
    CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0"
)

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "testdata/keras/goldens.json"
EMBEDDINGS = ROOT / "testdata/keras/embeddings.f32"

SIDE = 105
# (convolutions, filters) of each block.
VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))

# Float32 sums taken in another order (oneDNN's kernels against the plain ones) were seen
# to move an embedding by 3e-5 of its rms; one pixel wrong by one step of 255 moves it by
# 5e-3, a crop that is off by one pixel by more than 1.
EMBEDDING_TOLERANCE = 1e-4  # of that embedding's rms
SIMILARITY_TOLERANCE = 1e-4  # absolute; the sigmoid's slope is at most 1/4

# Grey and RGB PNGs alone: every decoder reads the same pixels from them.
IMAGES = (
    "testdata/omniglot/Greek/character01/0394_01.png",
    "testdata/omniglot/Greek/character01/0394_02.png",
    "testdata/omniglot/Greek/character02/0395_01.png",
    "testdata/omniglot/Armenian/character34/0060_04.png",
    "testdata/omniglot/Armenian/character34/0060_12.png",
    "testdata/omniglot/Hebrew/character01/0466_12.png",
    "testdata/omniglot/Hebrew/character01/0466_17.png",
    "testdata/omniglot/Braille/character23/0214_06.png",
    "testdata/photos/valley.png",
    "testdata/photos/shelf.png",
    "testdata/photos/ridge_grey.png",
    "testdata/photos/marble.png",
)


# What a file without metadata is: Siamese-keras' own network.
UPSTREAM = {"height": SIDE, "width": SIDE}

# As tfmodel has them: GeM's least activation, and what keeps the length of zeros above 0.
LEAST_ACTIVATION = 1e-6
LEAST_SQUARES = 1e-6


def read_architecture(path):
    """Returns the architecture from a safetensors file's metadata."""
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header.get("__metadata__", {}).get("architecture", json.dumps(UPSTREAM)))


def prepare(path, side=SIDE):
    """Returns the picture as the network sees it, uint8 RGB [side,side,3]."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    width, height = rgb.size
    short = min(width, height)
    size = (side * width // short, side * height // short)
    if size != rgb.size:
        rgb = rgb.resize(size, Image.Resampling.BILINEAR)
    # Python's round goes half to even, and the network was trained with that.
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return np.asarray(rgb.crop((left, top, left + side, top + side)))


def pool(x, architecture):
    """Makes an embedding of the last feature map, by Keras' own layers but for GeM and length 1."""
    pooling = architecture.get("pooling", "flatten")
    if pooling == "flatten":
        x = keras.layers.Flatten(name="flatten")(x)
    elif pooling == "average":
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    else:
        power = architecture.get("gem_power", 3)
        x = keras.layers.Lambda(lambda v: keras.ops.power(keras.ops.maximum(v, LEAST_ACTIVATION), power), name="raised")(x)
        x = keras.layers.GlobalAveragePooling2D(name="gem")(x)
        x = keras.layers.Lambda(lambda v: keras.ops.power(v, 1 / power), name="root")(x)
    if width := architecture.get("projection"):
        x = keras.layers.Dense(width, name="projection")(x)
    if architecture.get("unit"):
        x = keras.layers.Lambda(
            lambda v: v * keras.ops.rsqrt(keras.ops.sum(v * v, axis=1, keepdims=True) + LEAST_SQUARES), name="unit"
        )(x)
    return x


def encoder(architecture=UPSTREAM):
    """Builds VGG16's convolutions and the pooling: [N,H,W,3] in 0..1 → [N,E]."""
    image = keras.Input((architecture["height"], architecture["width"], 3), name="image")
    x = image
    for block, (convolutions, filters) in enumerate(VGG16, start=1):
        for conv in range(1, convolutions + 1):
            name = f"block{block}_conv{conv}"
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return keras.Model(image, pool(x, architecture), name="encoder")


def siamese(encode):
    """Builds the network: two pictures [N,H,W,3] → similarity [N,1]."""
    shape = encode.input_shape[1:]
    a, b = keras.Input(shape, name="image_a"), keras.Input(shape, name="image_b")
    distance = keras.layers.Lambda(
        lambda pair: keras.ops.abs(pair[0] - pair[1]), output_shape=lambda shapes: shapes[0], name="lambda_1"
    )([encode(a), encode(b)])
    hidden = keras.layers.Dense(512, activation="relu", name="dense_1")(distance)
    similarity = keras.layers.Dense(1, activation="sigmoid", name="dense_2")(hidden)
    return keras.Model([a, b], similarity, name="siamese")


def read_safetensors(path):
    """Returns name → float32 array; float16 is widened, which loses nothing."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        dtype = {"F16": "<f2", "F32": "<f4"}.get(entry["dtype"])
        if dtype is None:
            sys.exit(f"{path}: {name} is {entry['dtype']}, expected F16 or F32")
        begin, end = (start + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"]).astype(np.float32)
    return tensors


def load_weights(encode, network, path):
    """Sets every layer's kernel and bias from a file that holds these and no others."""
    tensors = read_safetensors(path)
    # The encoder counts as one layer of the network; it has no weights of its own name.
    for layer in encode.layers + [network.get_layer("dense_1"), network.get_layer("dense_2")]:
        if not layer.weights:
            continue
        names = [f"{layer.name}/kernel", f"{layer.name}/bias"]
        missing = [name for name in names if name not in tensors]
        if missing:
            sys.exit(f"{path}: no tensor {missing[0]}")
        layer.set_weights([tensors.pop(name) for name in names])
    if tensors:
        sys.exit(f"{path}: tensors that the network does not have: {', '.join(sorted(tensors))}")


class Results:
    """What one implementation computes for IMAGES: embeddings [N,E], similarities [P]."""

    pairs = list(itertools.combinations_with_replacement(range(len(IMAGES)), 2))

    def __init__(self, embeddings, similarities):
        self.embeddings = np.asarray(embeddings, np.float32)
        self.similarities = np.asarray(similarities, np.float32).reshape(-1)


def run_keras(weights, pictures):
    """Computes with the Keras network; each similarity by the whole network on two pictures."""
    encode = encoder(read_architecture(weights))
    network = siamese(encode)
    load_weights(encode, network, weights)
    inputs = pictures.astype(np.float32) / 255
    a, b = (inputs[list(side)] for side in zip(*Results.pairs))
    return Results(
        encode.predict(inputs, batch_size=4, verbose=0),
        network.predict([a, b], batch_size=4, verbose=0),
    )


def run_savedmodel(directory, pictures):
    """Computes with all three signatures through tf.saved_model.load; returns the Results
    of encode and compare, and those of encode and serving_default."""
    signatures = tf.saved_model.load(str(directory)).signatures
    embeddings = signatures["encode"](images=tf.constant(pictures))["embeddings"]
    a, b = (list(side) for side in zip(*Results.pairs))
    compared = signatures["compare"](a=tf.gather(embeddings, a), b=tf.gather(embeddings, b))["similarity"]
    served = serve_pairs(pictures, lambda pair: signatures["serving_default"](**pair))
    return Results(embeddings, compared), Results(embeddings, served)


def run_layer(directory, pictures):
    """Computes with encode and serving_default as Keras layers."""
    encode = keras.layers.TFSMLayer(str(directory), call_endpoint="encode")
    serve = keras.layers.TFSMLayer(str(directory), call_endpoint="serving_default")
    # A TFSMLayer passes its first input by position and the others by keyword.
    served = serve_pairs(pictures, lambda pair: serve(pair["image_a"], image_b=pair["image_b"]))
    return Results(encode(pictures)["embeddings"], served)


def serve_pairs(pictures, serve, batch=8):
    """Asks serve for every pair, a few at a time to keep memory small."""
    answers = []
    for start in range(0, len(Results.pairs), batch):
        a, b = (list(side) for side in zip(*Results.pairs[start : start + batch]))
        pair = {"image_a": tf.constant(pictures[a]), "image_b": tf.constant(pictures[b])}
        answers.append(serve(pair)["similarity"])
    return np.concatenate(answers)


def rms(embeddings):
    """Returns the root mean square of each embedding: [N,E] → [N]."""
    return np.sqrt(np.mean(np.square(embeddings, dtype=np.float64), axis=1))


def describe(weights, pictures, results):
    """Returns what goldens.json holds."""
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "images": [
            {
                "path": path,
                "prepared_sha256": hashlib.sha256(picture.tobytes()).hexdigest(),
                "embedding_rms": float(f"{value:.7g}"),
            }
            for path, picture, value in zip(IMAGES, pictures, rms(results.embeddings))
        ],
        "pairs": [
            {"a": IMAGES[a], "b": IMAGES[b], "similarity": float(f"{value:.7g}")}
            for (a, b), value in zip(Results.pairs, results.similarities)
        ],
    }


def write_goldens(description, results):
    GOLDENS.parent.mkdir(parents=True, exist_ok=True)
    GOLDENS.write_text(json.dumps(description, indent=1) + "\n")
    results.embeddings.astype("<f4").tofile(EMBEDDINGS)
    print(f"keras parity: {len(description['images'])} embeddings, {len(description['pairs'])} pairs written")


def read_goldens(description):
    """Returns the committed results; exits where they are of other pictures or weights."""
    golden = json.loads(GOLDENS.read_text())
    if golden["weights_sha256"] != description["weights_sha256"]:
        sys.exit(f"weights: sha256 {description['weights_sha256']}, goldens are of {golden['weights_sha256']}")
    for kind, keys in (("images", ("path", "prepared_sha256")), ("pairs", ("a", "b"))):
        got, want = ([[item[key] for key in keys] for item in side[kind]] for side in (description, golden))
        if got != want:
            different = next((g for g, w in zip(got, want) if g != w), f"{len(got)} {kind}")
            sys.exit(f"{kind}: got {different}, which differs from the goldens")
    embeddings = np.fromfile(EMBEDDINGS, "<f4").reshape(len(golden["images"]), -1)
    return Results(embeddings, [pair["similarity"] for pair in golden["pairs"]])


def compare(name, got, want):
    """Prints how far got is from want; returns whether it is within the tolerances."""
    if got.embeddings.shape != want.embeddings.shape or got.similarities.shape != want.similarities.shape:
        print(f"{name}: shapes {got.embeddings.shape}, {got.similarities.shape}, "
              f"expected {want.embeddings.shape}, {want.similarities.shape}", file=sys.stderr)
        return False
    off = np.abs(got.embeddings - want.embeddings).max(axis=1) / rms(want.embeddings)
    apart = np.abs(got.similarities - want.similarities)
    # Written as "not within", so that a NaN counts as a difference.
    for i in np.flatnonzero(~(off <= EMBEDDING_TOLERANCE)):
        print(f"{name}: embedding of {IMAGES[i]} differs by {off[i]:.3g} rms, "
              f"tolerance {EMBEDDING_TOLERANCE:g}", file=sys.stderr)
    for i in np.flatnonzero(~(apart <= SIMILARITY_TOLERANCE)):
        a, b = Results.pairs[i]
        print(f"{name}: similarity of {IMAGES[a]} and {IMAGES[b]} is {got.similarities[i]:.7g}, "
              f"expected {want.similarities[i]:.7g}, tolerance {SIMILARITY_TOLERANCE:g}", file=sys.stderr)
    if not (off.max() <= EMBEDDING_TOLERANCE and apart.max() <= SIMILARITY_TOLERANCE):
        return False
    print(f"{name}: {len(off)} embeddings, {len(apart)} pairs agree "
          f"(max {off.max():.2g} rms, {apart.max():.2g} similarity)")
    return True


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = ROOT / "tfmodel/builtin/omniglot.safetensors"
    parser.add_argument("--weights", type=pathlib.Path, default=default, help="safetensors file (default: built-in omniglot)")
    parser.add_argument("--check", action="store_true", help="compare with the committed goldens")
    parser.add_argument("--savedmodel", type=pathlib.Path, metavar="DIR", help="compare a SavedModel with Keras")
    args = parser.parse_args()
    if not args.weights.is_file():
        parser.error(f"--weights {args.weights}: no such file")
    if args.savedmodel and not (args.savedmodel / "saved_model.pb").is_file():
        parser.error(f"--savedmodel {args.savedmodel}: no saved_model.pb in it, expected <models>/<name>/<version>")
    return args


def main():
    args = parse_arguments()
    side = read_architecture(args.weights)["height"]
    pictures = np.stack([prepare(ROOT / path, side) for path in IMAGES])
    results = run_keras(args.weights, pictures)
    description = describe(args.weights, pictures, results)
    agree = []
    if args.check:
        agree.append(compare("keras parity", results, read_goldens(description)))
    if args.savedmodel:
        compared, served = run_savedmodel(args.savedmodel, pictures)
        agree.append(compare("savedmodel encode, compare", compared, results))
        agree.append(compare("savedmodel serving_default", served, results))
        agree.append(compare("savedmodel as TFSMLayer", run_layer(args.savedmodel, pictures), results))
    if not agree:
        write_goldens(description, results)
    sys.exit(0 if all(agree) else 1)


if __name__ == "__main__":
    main()
