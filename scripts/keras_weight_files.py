"""Writes tiny VGG16 Siamese networks in every weight-file layout that ours reads.

What: one network with VGG16's layer names and widths of 2 to 4, saved as
  keras1_notop.h5                  Keras 1, convolutions only, names as variable-length strings
  keras2_siamese.h5                Siamese-keras (Keras 2.1.5 save_weights)
  tfkeras_siamese.h5               tf.keras save_weights: the head is dense and dense_1
  tfkeras.weights.h5               tf.keras in Keras 3's layout, without the layers' names
  keras3_model.h5                  a whole model (group model_weights), the encoder nested
  keras3_flat.weights.h5           Keras 3, one graph, layers named as VGG16 names them
  keras3_nested.weights.h5         Keras 3, the encoder nested, layers unnamed
  safetensors_{float32,float16,bfloat16}.safetensors
and, each with one dataset `values`, what ours must refuse by name: refused/*.h5.
The tf.keras, Keras 3 and safetensors files come from those libraries themselves. The
Keras 1 and 2 layouts, whose libraries need a Python of their time, are written with h5py
the way those libraries do it: earliest file format, byte-string attributes.

Every value follows from its place, so that a reader needs no second file to check:
element i of tensor t (t counts kernels and biases in network order) is
((7 i + 13 t) mod 31 - 15) / 16, which float16 and bfloat16 hold exactly.

How to run (Python 3.11):

    python3 -m venv venv
    venv/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 tf-keras==2.21.0 \\
        h5py==3.14.0 ml_dtypes==0.6.0 safetensors==0.8.0
    venv/bin/python scripts/keras_weight_files.py testdata/weights
"""

import argparse
import os
import pathlib

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py  # noqa: E402
import keras  # noqa: E402
import ml_dtypes  # noqa: E402
import numpy as np  # noqa: E402
import safetensors.numpy  # noqa: E402
import tf_keras  # noqa: E402

# VGG16's blocks: (convolutions, width). Five poolings take SIDE to one pixel.
BLOCKS = ((2, 2), (2, 2), (3, 3), (3, 3), (3, 4))
SIDE = 32
HIDDEN = 3


def layers():
    """Yields (name, kernel shape) of the weighted layers in network order."""
    width = 3
    for block, (count, out) in enumerate(BLOCKS, start=1):
        for conv in range(1, count + 1):
            yield f"block{block}_conv{conv}", (3, 3, width, out)
            width = out
    yield "dense_1", (width, HIDDEN)
    yield "dense_2", (HIDDEN, 1)


def tensors():
    """Returns {"<layer>/kernel" or "<layer>/bias": float32 array} in network order."""
    found = {}
    for name, shape in layers():
        for part, part_shape in (("kernel", shape), ("bias", shape[-1:])):
            i = np.arange(np.prod(part_shape))
            values = ((7 * i + 13 * len(found)) % 31 - 15) / 16
            found[f"{name}/{part}"] = values.reshape(part_shape).astype(np.float32)
    return found


def file_order():
    """All layers of a Siamese-keras model, weightless ones too, as its files list them."""
    names = ["input_1", "input_2"]
    for block, (count, _) in enumerate(BLOCKS, start=1):
        names += [f"block{block}_conv{conv}" for conv in range(1, count + 1)]
        names.append(f"block{block}_pool")
    return names + ["flatten", "lambda_1", "dense_1", "dense_2"]


def bytes_of(names):
    """What old Keras hands to h5py: an array of byte strings, float64 when empty."""
    return np.asarray([name.encode() for name in names])


def write_keras1(path):
    """Keras 1: kernels are called W, biases b, and both lie directly in the group."""
    with h5py.File(path, "w", libver="earliest") as file:
        names = [name for name in file_order() if name.startswith(("input_1", "block"))]
        file.attrs["layer_names"] = names
        for layer in names:
            group = file.create_group(layer)
            weights = []
            for part, letter in (("kernel", "W"), ("bias", "b")):
                if (value := tensors().get(f"{layer}/{part}")) is not None:
                    weights.append(f"{layer}_{letter}_1:0")
                    group.create_dataset(weights[-1], data=value)
            group.attrs["weight_names"] = weights


def write_keras2(group):
    """Keras 2.1.5: a weight's name repeats its layer's, so each group holds a group."""
    group.attrs["layer_names"] = bytes_of(file_order())
    group.attrs["backend"] = np.bytes_("tensorflow")
    group.attrs["keras_version"] = np.bytes_("2.1.5")
    for layer in file_order():
        inner = group.create_group(layer)
        names = [name for name in tensors() if name.startswith(layer + "/")]
        inner.attrs["weight_names"] = bytes_of(f"{name}:0" for name in names)
        for name in names:
            inner.create_dataset(f"{name}:0", data=tensors()[name])


def convolutions(lib, named):
    """VGG16's convolutional part as a list of layers."""
    stack = []
    for block, (count, width) in enumerate(BLOCKS, start=1):
        for conv in range(1, count + 1):
            name = f"block{block}_conv{conv}" if named else None
            stack.append(lib.layers.Conv2D(width, 3, padding="same", activation="relu", name=name))
        stack.append(lib.layers.MaxPooling2D(2, name=f"block{block}_pool" if named else None))
    return stack + [lib.layers.Flatten()]


def run(stack, value):
    for layer in stack:
        value = layer(value)
    return value


def distance(lib, a, b):
    """|a-b|: a Lambda as Siamese-keras has it; Keras 3 has an operation, which a
    whole-model file keeps without compiled code."""
    if lib is keras:
        return keras.ops.abs(keras.ops.subtract(a, b))
    return lib.layers.Lambda(lambda pair: abs(pair[0] - pair[1]))([a, b])


def siamese(lib, named=True, nested=False, head=(None, None)):
    """The Siamese network of Keras library lib with the weights of tensors()."""
    one, two = lib.Input((SIDE, SIDE, 3)), lib.Input((SIDE, SIDE, 3))
    stack = convolutions(lib, named)
    if nested:
        image = lib.Input((SIDE, SIDE, 3))
        stack = [lib.Model(image, run(stack, image))]
    embeddings = [run(stack, one), run(stack, two)]
    hidden = lib.layers.Dense(HIDDEN, activation="relu", name=head[0])(distance(lib, *embeddings))
    model = lib.Model([one, two], lib.layers.Dense(1, activation="sigmoid", name=head[1])(hidden))
    model.set_weights(list(tensors().values()))
    return model


def write_refused(folder):
    """Files that use what weights do not need: other layouts, types, links, headers."""
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    datasets = {
        "chunked": dict(data=values, chunks=(1, 3)),
        "compressed": dict(data=values, compression="gzip"),
        "float64": dict(data=values.astype(np.float64)),
        "float16": dict(data=values.astype(np.float16)),
        "int32": dict(data=values.astype(np.int32)),
        "big_endian": dict(data=values.astype(">f4")),
        "never_written": dict(shape=(2, 3), dtype=np.float32),
        "no_elements": dict(shape=(0, 3), dtype=np.float32),
    }
    for name, arguments in datasets.items():
        with h5py.File(folder / f"{name}.h5", "w", libver="earliest") as file:
            file.create_dataset("values", **arguments)
    with h5py.File(folder / "compact.h5", "w", libver="earliest") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.COMPACT)
        layout.set_obj_track_times(False)
        space = h5py.h5s.create_simple(values.shape)
        dataset = h5py.h5d.create(file.id, b"values", h5py.h5t.IEEE_F32LE, space, dcpl=layout)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    with h5py.File(folder / "soft_link.h5", "w", libver="earliest") as file:
        file["target"] = values
        file["values"] = h5py.SoftLink("/target")
    with h5py.File(folder / "shared_type.h5", "w", libver="earliest") as file:
        file["type"] = np.dtype("<f4")
        file.create_dataset("values", data=values, dtype=file["type"])
    access, creation = (h5py.h5p.create(kind) for kind in (h5py.h5p.FILE_ACCESS, h5py.h5p.FILE_CREATE))
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_LATEST)
    creation.set_obj_track_times(False)
    name = bytes(folder / "superblock_2.h5")
    with h5py.File(h5py.h5f.create(name, h5py.h5f.ACC_TRUNC, creation, access)) as file:
        file["values"] = values


def write_all(folder):
    write_keras1(folder / "keras1_notop.h5")
    with h5py.File(folder / "keras2_siamese.h5", "w", libver="earliest") as file:
        write_keras2(file)
    model = siamese(tf_keras)
    model.save_weights(folder / "tfkeras_siamese.h5")
    model.save_weights(folder / "tfkeras.weights.h5")
    siamese(keras, head=("dense_1", "dense_2")).save_weights(folder / "keras3_flat.weights.h5")
    keras.backend.clear_session()
    siamese(keras, nested=True).save(folder / "keras3_model.h5")
    keras.backend.clear_session()
    siamese(keras, named=False, nested=True).save_weights(folder / "keras3_nested.weights.h5")
    for dtype in (np.float32, np.float16, ml_dtypes.bfloat16):
        values = {name: value.astype(dtype) for name, value in tensors().items()}
        path = folder / f"safetensors_{np.dtype(dtype).name}.safetensors"
        path.write_bytes(safetensors.numpy.save(values, metadata={"format": "siamese-vgg16"}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    (folder / "refused").mkdir(parents=True, exist_ok=True)
    write_all(folder)
    write_refused(folder / "refused")


if __name__ == "__main__":
    main()
