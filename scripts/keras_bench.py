"""Lets a benchmark time Keras' own training steps, one at a time.

What: builds the VGG16 Siamese network in Keras 3, loads weights from a safetensors file and
trains with train_on_batch on one batch of pairs: SGD with Nesterov's momentum, binary
cross-entropy, nothing frozen, Keras' pair loop as Siamese-keras has it. It prints "ready",
then does a step for each line "step" that it reads and answers with a line of the step's
seconds and its loss. It ends with its input.

How to run, from the repository root (`siamese bench train` does so; first set-up: make parity):

    .venv/bin/python scripts/keras_bench.py --weights FILE --pixels FILE --same 1010

PIXELS holds uint8 RGB [2N,105,105,3]: images 2i and 2i+1 are pair i. --same has a digit for
each pair, 1 where both are of one class. Keras runs on the CPU.
"""

import argparse
import os
import pathlib
import sys
import time

# TensorFlow reads its settings when it is first imported. That is here, before keras_parity
# chooses the plain kernels: what is timed is oneDNN's, the default.
os.environ.update(CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_parity  # noqa: E402

LEARNING_RATE = 1e-4  # small: the loss stays a number on any pictures
MOMENTUM = 0.9


def compiled(weights, jit):
    """Returns the network with weights from a file, ready to train."""
    encode = keras_parity.encoder()
    network = keras_parity.siamese(encode)
    keras_parity.load_weights(encode, network, weights)
    network.compile(
        keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM, nesterov=True),
        loss="binary_crossentropy",
        jit_compile=jit,
    )
    return network


def read_batch(path, same):
    """Returns both sides of the pairs, float32 [N,105,105,3] in 0..1, and labels [N,1]."""
    pixels = np.fromfile(path, np.uint8)
    size = keras_parity.SIDE * keras_parity.SIDE * 3
    if pixels.size != 2 * len(same) * size:
        sys.exit(f"{path}: {pixels.size} bytes, expected {2 * len(same)} images of {size}")
    images = pixels.reshape(-1, keras_parity.SIDE, keras_parity.SIDE, 3).astype(np.float32) / 255
    return [images[0::2], images[1::2]], np.array([[int(digit)] for digit in same], np.float32)


def serve_steps(network, sides, labels):
    """Answers each line "step" with the seconds that a step took and its loss."""
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "step":
            sys.exit(f"received {line.strip()!r}, expected step")
        begin = time.perf_counter()
        loss = float(network.train_on_batch(sides, labels))
        print(f"{time.perf_counter() - begin:.6f} {loss:.6f}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="safetensors file")
    parser.add_argument("--pixels", type=pathlib.Path, required=True, help="uint8 RGB of the images")
    parser.add_argument("--same", required=True, help="a digit for each pair, 1 for one class")
    parser.add_argument("--jit", action="store_true", help="compile the step with XLA, Keras' own choice")
    args = parser.parse_args()
    if not args.same or set(args.same) - {"0", "1"}:
        parser.error(f"--same {args.same!r}, expected digits 0 and 1")
    return args


def main():
    args = parse_arguments()
    sides, labels = read_batch(args.pixels, args.same)
    serve_steps(compiled(args.weights, args.jit), sides, labels)


if __name__ == "__main__":
    main()
