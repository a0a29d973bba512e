"""Lets a benchmark time Keras' own training steps and predictions, one at a time.

What: builds the VGG16 Siamese network in Keras 3, loads weights from a safetensors file and
prints "ready". It then answers each line that it reads:

    step     trains with train_on_batch on one batch of all pairs: SGD with Nesterov's
             momentum, binary cross-entropy, nothing frozen, Keras' pair loop as
             Siamese-keras has it. The answer is the step's seconds and its loss.
    predict  has predict tell each pair's similarity, a batch of one pair each. The answer
             is the seconds of all and the similarities.

It ends with its input.

How to run, from the repository root (`siamese-bench` does; first set-up: make parity):

    .venv/bin/python scripts/keras_bench.py --weights FILE --pixels FILE --same 1010

PIXELS holds uint8 RGB [2N,105,105,3]: images 2i and 2i+1 are pair i. --same, which a step
needs, has a digit for each pair, 1 where both are of one class. Keras runs on the CPU.
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
    """Returns the network with weights from a file, ready to train and to predict."""
    encode = keras_parity.encoder()
    network = keras_parity.siamese(encode)
    keras_parity.load_weights(encode, network, weights)
    network.compile(
        keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM, nesterov=True),
        loss="binary_crossentropy",
        jit_compile=jit,
    )
    return network


def read_pairs(path):
    """Returns both sides of the pairs, float32 [N,105,105,3] in 0..1 each."""
    pixels = np.fromfile(path, np.uint8)
    size = 2 * keras_parity.SIDE * keras_parity.SIDE * 3
    if not pixels.size or pixels.size % size:
        sys.exit(f"{path}: {pixels.size} bytes, expected pairs of {size}")
    images = pixels.reshape(-1, keras_parity.SIDE, keras_parity.SIDE, 3).astype(np.float32) / 255
    return [images[0::2], images[1::2]]


def step(network, sides, labels):
    """Returns the loss of a training step as text."""
    return f"{float(network.train_on_batch(sides, labels)):.6f}"


def predict(network, sides):
    """Returns the similarities as text, each pair's by a call of its own."""
    a, b = sides
    similarities = [network.predict([a[i : i + 1], b[i : i + 1]], verbose=0).item() for i in range(len(a))]
    return " ".join(f"{similarity:.6f}" for similarity in similarities)


def serve(network, sides, labels):
    """Answers each line with the seconds that it took and what came of it."""
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        match line.strip():
            case "step" if labels is not None:
                outcome = step(network, sides, labels)
            case "predict":
                outcome = predict(network, sides)
            case other:
                sys.exit(f"received {other!r}, expected predict or, with --same, step")
        print(f"{time.perf_counter() - begin:.6f} {outcome}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="safetensors file")
    parser.add_argument("--pixels", type=pathlib.Path, required=True, help="uint8 RGB of the images")
    parser.add_argument("--same", help="a digit for each pair, 1 for one class")
    parser.add_argument("--jit", action="store_true", help="compile the step with XLA, Keras' own choice")
    args = parser.parse_args()
    if args.same is not None and set(args.same) - {"0", "1"}:
        parser.error(f"--same {args.same!r}, expected digits 0 and 1")
    return args


def main():
    args = parse_arguments()
    sides, labels = read_pairs(args.pixels), None
    if args.same is not None:
        if len(args.same) != len(sides[0]):
            sys.exit(f"--same has {len(args.same)} digits, expected {len(sides[0])}, one for each pair")
        labels = np.array([[int(digit)] for digit in args.same], np.float32)
    serve(compiled(args.weights, args.jit), sides, labels)


if __name__ == "__main__":
    main()
