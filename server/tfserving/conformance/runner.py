"""Runs the cases of conformance over TensorFlow Serving's protocol.

What: writes a line of JSON for each case, as testdata/conformance/README.md says. The
protocol has no verdict, so that the caller has the threshold: this one takes it from the
server's own GetServerInfo, with the name of the default model and the limit of pairs.

How to run: grpc.sh or rest.sh, which call

    runner.py grpc|rest GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
"""

import hashlib
import json
import os
import pathlib
import re
import sys

os.environ.update(CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3", GRPC_VERBOSITY="ERROR")

import numpy as np  # noqa: E402
from fronts import Failure, Grpc, Rest, Unsupported, post  # noqa: E402


class Runner:
    def __init__(self, front, http_address, folder):
        self.front, self.folder = front, folder
        info = post(f"http://{http_address}/siamese.v1.SiameseService/GetServerInfo", {})
        self.default, self.max_pairs = info["defaultModel"], info["limits"]["maxPairs"]
        self.thresholds = {model["servingName"]: np.float32(model["threshold"]) for model in info["models"]}

    def run(self, case):
        """The line of a case."""
        try:
            return {"case": case["case"], "results": self.results(case)}
        except Failure as failure:
            return {"case": case["case"], "error": f"{failure.code}/{failure.reason}/{contract_field(case, failure.field)}"}
        except Unsupported as reason:
            return {"case": case["case"], "unsupported": str(reason)}
        except Exception as bug:  # the other cases are run all the same
            return {"case": case["case"], "error": f"{type(bug).__name__}: {bug}"}

    def results(self, case):
        if case.get("include_prepared"):
            raise Unsupported("the protocol has no prepared pictures")
        if "test_time_views" in case:
            raise Unsupported("the protocol scores pictures alone")
        if "threshold" in case:
            raise Unsupported("the protocol has no threshold")
        calls = {"compare": self.compare, "batch": self.batch, "embed": self.embed}
        if case["call"] not in calls:
            raise Unsupported(f"the protocol has no {case['call']}")
        return calls[case["call"]](case, case.get("model", self.default))

    def compare(self, case, model):
        a, b = self.picture(case["a"]), self.picture(case["b"])
        if a[0] == b[0] and a[0] != "embedding":
            signature = "encoded" if a[0] == "file" else "serving_default"
            return self.scores(model, signature, batch([a]), batch([b]))
        made = [self.embedding(model, picture) for picture in (a, b)]
        if made[0][1] != made[1][1]:
            raise Unsupported("the protocol does not tell embeddings of two models apart")
        return self.scores(made[0][1], "compare", made[0][0], made[1][0])

    def batch(self, case, model):
        pairs = [[self.picture(picture) for picture in pair] for pair in case["pairs"]]
        results = []
        for begin in range(0, max(len(pairs), 1), self.max_pairs):
            part = pairs[begin : begin + self.max_pairs]
            results += self.scores(model, "encoded", batch([a for a, _ in part]), batch([b for _, b in part]))
        return results

    def embed(self, case, model):
        pictures = [self.picture(picture) for picture in case["images"]]
        if not pictures and self.thresholds.get(model) is None:
            raise Unsupported("of auto the protocol has no embeddings")
        if not pictures:
            self.front.predict(model, "encode_files", {"images": []})
        return [summary(self.embedding(model, picture)[0][0]) for picture in pictures]

    def scores(self, model, signature, a, b):
        """The similarities of pairs with their verdicts."""
        names = ("a", "b") if signature == "compare" else ("image_a", "image_b")
        similarities, answered = self.front.predict(model, signature, dict(zip(names, (a, b))))
        models = [answered or model] * len(similarities)
        if answered == "auto":  # several have: each pair alone tells its own
            models = [self.front.predict(model, signature, dict(zip(names, ([of_a], [of_b]))))[1] for of_a, of_b in zip(a, b)]
        return [f"{number(value)} {self.verdict(value, name)}" for value, name in zip(similarities, models)]

    def verdict(self, similarity, model):
        name = model.partition("/")[0]
        thresholds = [self.thresholds[name]] if name in self.thresholds else self.thresholds.values()
        verdicts = {"same" if similarity >= threshold else "different" for threshold in thresholds}
        if len(verdicts) > 1:
            raise Unsupported("the protocol does not tell which of the models has answered, and they have different thresholds")
        return verdicts.pop()

    def embedding(self, model, picture):
        """An embedding, [1,E], and the model that has made it."""
        kind, value = picture
        if kind == "embedding":
            of, keep, asked = value
            made, answered = self.embedding(asked or model, self.picture(of))
            return made[:, :keep], answered
        if model == "auto":
            model = self.choice(picture)
        signature = "encode_files" if kind == "file" else "encode"
        made, _ = self.front.predict(model, signature, {"images": batch([picture])})
        return made, model

    def choice(self, picture):
        """The model that auto chooses for a picture: the one that compares it with itself."""
        signature = "encoded" if picture[0] == "file" else "serving_default"
        _, answered = self.front.predict("auto", signature, {"image_a": batch([picture]), "image_b": batch([picture])})
        if not answered:
            raise Unsupported("of auto the protocol has no embeddings, and REST does not tell which model has answered")
        return answered

    def picture(self, value):
        """What kind of picture it is, and what the protocol has for it."""
        match value:
            case str():
                return "file", (self.folder / value).read_bytes()
            case {"raw": file, "width": width, "height": height, "format": "RGB8"}:
                return "pixels", ((self.folder / file).read_bytes(), [1, height, width, 3])
            case {"embedding_of": file}:
                return "embedding", (file, value.get("keep"), value.get("model"))
            case None:
                raise Unsupported("a tensor of strings has no element that is unset")
            case {"raw": _}:
                raise Unsupported("pixels are RGB")
        raise Unsupported("the protocol has no references")


def batch(pictures):
    """An input of pictures of one kind: files, or the pixels of one picture."""
    if pictures and pictures[0][0] == "pixels":
        ((_, pixels),) = pictures
        return pixels
    return [file for _, file in pictures]


def contract_field(case, field):
    """The contract's name for a field of the protocol."""
    found = re.fullmatch(r"inputs\.(\w+?)(?:\[(\d+)\])?|instances", field)
    if not found:
        return field
    name = {"a": "image_a", "b": "image_b", "images": "image"}.get(found[1], found[1])
    if case["call"] == "compare":
        return name if name != "image" else culprit(case)
    lists = {"batch": "pairs", "embed": "images"}[case["call"]]
    if found[2] is None:
        return lists
    return f"{lists}[{found[2]}].{name}" if lists == "pairs" else f"{lists}[{found[2]}]"


def culprit(case):
    """The image of a pair that was encoded alone and failed: the one that is no embedding."""
    return "image_b" if isinstance(case["a"], dict) and "embedding_of" in case["a"] else "image_a"


def number(value):
    return f"{np.float32(value):.9g}"


def summary(values):
    """An embedding as results have it."""
    return f"{values.size} {hashlib.sha256(values.astype('<f4').tobytes()).hexdigest()}"


def main():
    kind, grpc_address, http_address, cases = sys.argv[1:]
    front = {"grpc": Grpc, "rest": Rest}[kind](grpc_address, http_address)
    runner = Runner(front, http_address, pathlib.Path(cases).parent)
    for case in json.loads(pathlib.Path(cases).read_text()):
        print(json.dumps(runner.run(case)), flush=True)


if __name__ == "__main__":
    main()
