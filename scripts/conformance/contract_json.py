"""Runs conformance cases through a program that speaks the contract as JSON.

What curl.py and grpcurl.py share: cases become requests in JSON, replies in JSON become
the lines that testdata/conformance/README.md describes. Lists over the server's limits
are split here, since these programs only send what they are given.
"""

import base64
import hashlib
import json
import pathlib
import struct

# The codes of gRPC by number.
CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip


class CallFailed(Exception):
    """A call failed: its code's name, and what the details of its status say."""

    def __init__(self, code, details):
        super().__init__(code)
        facts = {}
        for detail in details:
            facts.update(detail)
        violations = facts.get("fieldViolations") or [{}]
        self.text = f"{code}/{facts.get('reason', '')}/{violations[0].get('field', '')}"


class Unsupported(Exception):
    """The program can't do what the case asks for; its text says why."""


def run(call, cases_file, streams=True):
    """Run all cases and print a line each.

    call(method, messages) returns the replies as objects, or raises CallFailed; streams
    says whether it can do StreamCompare.
    """
    runner = Runner(call, pathlib.Path(cases_file).parent, streams)
    for case in json.loads(pathlib.Path(cases_file).read_text()):
        line = {"case": case["case"]}
        try:
            line["results"] = getattr(runner, case["call"])(case)
        except CallFailed as failure:
            line["error"] = failure.text
        except Unsupported as why:
            line["unsupported"] = str(why)
        print(json.dumps(line), flush=True)


class Runner:
    """Turns cases into calls, and their replies into results."""

    def __init__(self, call, folder, streams):
        self._call = call
        self._folder = folder
        self._streams = streams
        self._limits = None

    def compare(self, case):
        reply = self._one("Compare", {
            "imageA": self._image(case["a"]), "imageB": self._image(case["b"]), "options": options(case),
        })  # fmt: skip
        return [score_text(reply)]

    def batch(self, case):
        pairs = [{"imageA": self._image(a), "imageB": self._image(b)} for a, b in case["pairs"]]
        results = []
        for start, part in self._parts(pairs, "maxPairs"):
            reply = self._one("BatchCompare", {"pairs": part, "options": options(case)})
            for result in reply["results"]:
                results.append(score_text(result["score"]) if result.get("score") else item_error(result["error"], start))
        return results

    def rank(self, case):
        candidates = [self._image(picture) for picture in case["candidates"]]
        if len(candidates) > self._limit("maxCandidates"):
            raise AssertionError("cases with more candidates than one Rank takes are not foreseen here")
        request = {"query": self._image(case["query"]), "candidates": candidates, "options": options(case)}
        request.update({to: case[name] for name, to in (("top_k", "topK"), ("min_similarity", "minSimilarity")) if name in case})
        reply = self._one("Rank", request)
        ranked = [f"{c.get('index', 0)} {number(c.get('similarity', 0))} {verdict(c)}" for c in reply.get("ranked", [])]
        return ranked + [f"{f.get('index', 0)} {item_error(f['error'])}" for f in reply.get("errors", [])]

    def embed(self, case):
        results = []
        for start, part in self._parts([self._image(picture) for picture in case["images"]], "maxImages"):
            reply = self._one("Embed", {"images": part, "model": case.get("model", "")})
            for result in reply["results"]:
                embedding = result.get("embedding")
                results.append(embedding_text(embedding["values"]) if embedding else item_error(result["error"], start))
        return results

    def stream(self, case):
        if not self._streams:
            raise Unsupported("a stream in both directions needs gRPC, not one request over HTTP/1.1")
        names = sorted(case["references"])
        messages = [{"opening": {"window": 1, "dropPolicy": "DROP_POLICY_NONE", "options": options(case)}}]
        messages += [{"setReference": {"name": name, "image": self._image(case["references"][name])}} for name in names]
        messages += [{"frame": {"id": str(i), "image": self._image(picture)}} for i, picture in enumerate(case["frames"])]
        replies = self._call("StreamCompare", messages)
        if len(replies) != len(messages) or "opened" not in replies[0]:
            raise AssertionError(f"received {len(replies)} replies, expected opened and one for each of {len(messages) - 1} messages")
        references, frames = replies[1 : 1 + len(names)], replies[1 + len(names) :]
        return [f"{name} {reference_text(reply)}" for name, reply in zip(names, references)] + [frame_text(reply) for reply in frames]

    def info(self, case):
        reply = self._one("GetServerInfo", {"model": case.get("model", "")})
        model = reply["model"]
        first = f"{model['reference']['name']} {model['reference']['digest']} {model['embeddingLength']}"
        return [first] + [served["reference"]["name"] for served in reply["models"]]

    def _one(self, method, request):
        (reply,) = self._call(method, [request])
        return reply

    def _limit(self, name):
        if self._limits is None:
            self._limits = self._one("GetServerInfo", {})["limits"]
        return int(self._limits[name])

    def _parts(self, items, limit):
        """Yield the list in parts with their starts; an empty one as it is."""
        size = self._limit(limit)
        for start in range(0, max(1, len(items)), size):
            yield start, items[start : start + size]

    def _image(self, picture):
        if picture is None:
            return {}
        if isinstance(picture, str):
            return {"encoded": self._base64(picture)}
        if "raw" in picture:
            layout = f"PIXEL_FORMAT_{picture['format'] or 'UNSPECIFIED'}"
            return {"raw": {"width": picture["width"], "height": picture["height"], "format": layout, "data": self._base64(picture["raw"])}}
        if "reference" in picture:
            return {"reference": picture["reference"]}
        request = {"images": [self._image(picture["embedding_of"])], "model": picture.get("model", "")}
        embedding = self._one("Embed", request)["results"][0]["embedding"]
        return {"embedding": {**embedding, "values": embedding["values"][: picture.get("keep")]}}

    def _base64(self, name):
        return base64.b64encode((self._folder / name).read_bytes()).decode()


def options(case):
    """CompareOptions of what the case asks for."""
    names = (("model", "model"), ("threshold", "threshold"), ("include_prepared", "includePrepared"))
    return {to: case[name] for name, to in names if name in case}


def number(value):
    """Write a float32 so that no two look alike."""
    return f"{float32(value):.9g}"


def float32(value):
    """Return the float32 that JSON's number stands for, which may be text such as NaN."""
    return struct.unpack("<f", struct.pack("<f", float(value)))[0]


def verdict(score):
    """Write a verdict; JSON may leave false out."""
    return "same" if score.get("same") else "different"


def score_text(score):
    """Write a score: similarity, verdict, whether the pictures came back."""
    prepared = " prepared" if score.get("preparedAPng") and score.get("preparedBPng") else ""
    return f"{number(score.get('similarity', 0))} {verdict(score)}{prepared}"


def item_error(error, start=0):
    """Write the error of an item of a part that begins at start."""
    field = error.get("field", "")
    name, bracket, rest = field.partition("[")
    if start and bracket:
        index, _, behind = rest.partition("]")
        field = f"{name}[{int(index) + start}]{behind}"
    return f"{CODES[error['code']]}/{error.get('reason', '')}/{field}"


def embedding_text(values):
    """Write an embedding: how many values, and their hash."""
    data = struct.pack(f"<{len(values)}f", *map(float, values))
    return f"{len(values)} {hashlib.sha256(data).hexdigest()}"


def reference_text(reply):
    """Write what became of a reference."""
    return "ok" if "referenceSet" in reply else item_error(reply["itemFailed"]["error"])


def frame_text(reply):
    """Write what became of a frame."""
    if "frameScored" not in reply:
        return item_error(reply["itemFailed"]["error"])
    scores = sorted(reply["frameScored"].get("scores", []), key=lambda score: score["reference"])
    return " ".join(f"{score['reference']}={number(score.get('similarity', 0))}" for score in scores)
