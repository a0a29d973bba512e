"""Exports a small network of this kind as SavedModels, as Keras and TensorFlow write them.

What: `keras_export` is Keras 3's Model.export, `module` its ExportArchive with the
signatures encode and compare, `pooled` the same of a network with generalized mean, a
projection and embeddings of length 1, `tf1` TensorFlow 1's simple_save. Their graphs are
those of tfmodel/internal/allow/testdata. Beside those of `module` and `pooled` there is a card
with a golden pair whose similarity Keras computes, so that bin/siamese can load them.

How to run, from the repository root (first set-up: scripts/requirements-keras.txt):

    python3 scripts/keras_exports.py DIR

DIR is made. scripts/keras-check.sh has bin/siamese load DIR/module and DIR/pooled.
"""

import hashlib
import json
import os
import pathlib
import sys

os.environ.update(CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras_parity import pool  # noqa: E402
from PIL import Image  # noqa: E402

HEIGHT, WIDTH, BLOCKS, HIDDEN = 8, 10, [[3], [4, 4]], 5
POOLED = {"pooling": "gem", "gem_power": 2.5, "projection": 6, "unit": True}


def network(pooling):
    """Builds encoder, both layers of the head, and the whole network."""
    image = x = keras.Input((HEIGHT, WIDTH, 3))
    for block, filters in enumerate(BLOCKS, start=1):
        for conv, count in enumerate(filters, start=1):
            x = keras.layers.Conv2D(count, 3, padding="same", activation="relu", name=f"block{block}_conv{conv}")(x)
        x = keras.layers.MaxPooling2D(2)(x)
    encoder = keras.Model(image, pool(x, pooling))
    a, b = keras.Input((HEIGHT, WIDTH, 3)), keras.Input((HEIGHT, WIDTH, 3))
    distance = keras.layers.Lambda(lambda pair: keras.ops.abs(pair[0] - pair[1]), output_shape=lambda shapes: shapes[0])
    hidden = keras.layers.Dense(HIDDEN, activation="relu", name="dense_1")
    last = keras.layers.Dense(1, activation="sigmoid", name="dense_2")
    return encoder, hidden, last, keras.Model([a, b], last(hidden(distance([encoder(a), encoder(b)]))))


def save_module(folder, encoder, hidden, last, whole):
    """Saves the two signatures that bin/siamese runs, for uint8 pictures."""
    archive = keras.export.ExportArchive()
    archive.track(whole)
    archive.add_endpoint(
        "encode",
        lambda images: {"embeddings": encoder(tf.cast(images, tf.float32) / 255.0)},
        input_signature=[tf.TensorSpec([None, HEIGHT, WIDTH, 3], tf.uint8, name="images")],
    )
    embeddings = [tf.TensorSpec([None, encoder.output_shape[-1]], tf.float32, name=name) for name in "ab"]
    archive.add_endpoint(
        "compare",
        lambda a, b: {"similarity": tf.reshape(last(hidden(tf.abs(a - b))), [-1])},
        input_signature=embeddings,
    )
    archive.write_out(str(folder), verbose=False)


def write_card(folder, whole, pooling):
    """Writes the card that bin/siamese asks for, with one golden pair."""
    pictures = np.random.default_rng(1).integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8)
    (folder / "assets.extra").mkdir()
    for name, picture in zip(("a.png", "b.png"), pictures):
        Image.fromarray(picture).save(folder / "assets.extra" / name)
    a, b = pictures.astype(np.float32)[:, None] / 255
    files = [path for path in folder.rglob("*") if path.is_file()]
    card = {
        "name": "keras",
        "architecture": {"height": HEIGHT, "width": WIDTH, "blocks": BLOCKS, "hidden": HIDDEN, **pooling},
        "parameters": whole.count_params(),
        "input": "uint8 RGB",
        "weights": {"digest": "0" * 64},  # of no file: it is not read back
        "threshold": 0.5,
        "golden_pairs": [{"a": "a.png", "b": "b.png", "similarity": float(np.squeeze(whole.predict([a, b], verbose=0)))}],
        "files": {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
    }
    (folder / "assets.extra/model.json").write_text(json.dumps(card))


def save_tf1(folder):
    """Saves a matrix product with TensorFlow 1's saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        a = tf.compat.v1.placeholder(tf.float32, [None, 16], name="a")
        y = tf.matmul(a, tf.compat.v1.get_variable("v", [16, 1], use_resource=True))
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.saved_model.simple_save(session, str(folder), inputs={"a": a}, outputs={"y": y})


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    keras.utils.set_random_seed(1)
    for name, pooling in (("module", {}), ("pooled", POOLED)):
        encoder, hidden, last, whole = network(pooling)
        if name == "module":
            whole.export(str(out / "keras_export"), verbose=False)
        save_module(out / name, encoder, hidden, last, whole)
        write_card(out / name, whole, pooling)
    save_tf1(out / "tf1")


main()
