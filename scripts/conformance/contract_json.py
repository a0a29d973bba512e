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

    call(method, messages) returns the replies as objects, or raises CallFailed; method is a
    path such as siamese.v1.SiameseService/Compare, and streams says whether it can do one
    with more than one message.
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
        self._send = call
        self._folder = folder
        self._streams = streams
        self._limits = None

    def call(self, method, messages, service="SiameseService"):
        """Make a call, and return all its replies."""
        return self._send(f"siamese.v1.{service}/{method}", messages)

    def compare(self, case):
        reply = self._one("Compare", {
            "imageA": self.image(case["a"]), "imageB": self.image(case["b"]), "options": options(case),
        })  # fmt: skip
        return [score_text(reply)]

    def batch(self, case):
        pairs = [{"imageA": self.image(a), "imageB": self.image(b)} for a, b in case["pairs"]]
        results = []
        for start, part in self._parts(pairs, "maxPairs"):
            reply = self._one("BatchCompare", {"pairs": part, "options": options(case)})
            for result in reply["results"]:
                results.append(score_text(result["score"]) if result.get("score") else item_error(result["error"], start))
        return results

    def rank(self, case):
        candidates = [self.image(picture) for picture in case["candidates"]]
        if len(candidates) > self._limit("maxCandidates"):
            raise AssertionError("cases with more candidates than one Rank takes are not foreseen here")
        request = {"query": self.image(case["query"]), "candidates": candidates, "options": options(case)}
        request.update({to: case[name] for name, to in (("top_k", "topK"), ("min_similarity", "minSimilarity")) if name in case})
        reply = self._one("Rank", request)
        ranked = [f"{c.get('index', 0)} {number(c.get('similarity', 0))} {verdict(c)}" for c in reply.get("ranked", [])]
        return ranked + [f"{f.get('index', 0)} {item_error(f['error'])}" for f in reply.get("errors", [])]

    def embed(self, case):
        results = []
        for start, part in self._parts([self.image(picture) for picture in case["images"]], "maxImages"):
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
        messages += [{"setReference": {"name": name, "image": self.image(case["references"][name])}} for name in names]
        messages += [{"frame": {"id": str(i), "image": self.image(picture)}} for i, picture in enumerate(case["frames"])]
        replies = self.call("StreamCompare", messages)
        if len(replies) != len(messages) or "opened" not in replies[0]:
            raise AssertionError(f"received {len(replies)} replies, expected opened and one for each of {len(messages) - 1} messages")
        references, frames = replies[1 : 1 + len(names)], replies[1 + len(names) :]
        return [f"{name} {reference_text(reply)}" for name, reply in zip(names, references)] + [frame_text(reply) for reply in frames]

    def info(self, case):
        reply = self._one("GetServerInfo", {"model": case.get("model", "")})
        model = reply["model"]
        first = f"{model['reference']['name']} {model['reference']['digest']} {model['embeddingLength']}"
        return [first] + [served["reference"]["name"] for served in reply["models"]]

    def gallery(self, case):
        """Run a case of galleries, step by step; a step that fails does not end it."""
        if not self._streams and any(step["do"] in STREAMED for step in case["steps"]):
            raise Unsupported("a stream of answers or of entries is no single request and reply of JSON")
        results = []
        for step in case["steps"]:
            steps = Steps(self, step.get("gallery", case["gallery"]))
            try:
                results += getattr(steps, step["do"])(step)
            except CallFailed as failure:
                results.append(f"error {failure.text}")
        return results

    def _one(self, method, request):
        (reply,) = self.call(method, [request])
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

    def image(self, picture):
        if picture is None:
            return {}
        if isinstance(picture, str):
            return {"encoded": self._base64(picture)}
        if "raw" in picture:
            layout = f"PIXEL_FORMAT_{picture['format'] or 'UNSPECIFIED'}"
            return {"raw": {"width": picture["width"], "height": picture["height"], "format": layout, "data": self._base64(picture["raw"])}}
        if "reference" in picture:
            return {"reference": picture["reference"]}
        request = {"images": [self.image(picture["embedding_of"])], "model": picture.get("model", "")}
        embedding = self._one("Embed", request)["results"][0]["embedding"]
        return {"embedding": {**embedding, "values": embedding["values"][: picture.get("keep")]}}

    def _base64(self, name):
        return base64.b64encode((self._folder / name).read_bytes()).decode()


# Steps of galleries with more than one message in a direction.
STREAMED = ("enroll", "duplicates", "reindex")


class Steps:
    """Runs steps on one gallery."""

    def __init__(self, runner, name):
        self._runner = runner
        self._name = name

    def create(self, step):
        return [gallery_text(self._one("CreateGallery", step)["gallery"])]

    def get(self, step):
        return [gallery_text(self._one("GetGallery", step)["gallery"])]

    def list(self, _):
        (reply,) = self._runner.call("ListGalleries", [{}], "GalleryService")
        return ["galleries " + ",".join(gallery["name"] for gallery in reply.get("galleries", []))]

    def delete(self, step):
        return [f"deleted {self._one('DeleteGallery', step).get('entries', 0)}"]

    def enroll(self, step):
        messages = [{"gallery": self._name}] + [{"entry": entry} for entry in self._new_entries(step)]
        (reply,) = self._runner.call("Enroll", messages, "GalleryService")
        counts = " ".join(f"{name} {reply.get(name, 0)}" for name in ("added", "replaced", "unchanged", "failed"))
        return [counts] + [f"{f.get('index', 0)} {f.get('id', '')} {item_error(f['error'])}" for f in reply.get("failures", [])]

    def enroll_batch(self, step):
        reply = self._one("BatchEnroll", step, entries=self._new_entries(step))
        return [
            item_error(result["error"]) if "error" in result else result["status"].removeprefix("ENROLL_STATUS_").lower()
            for result in reply["results"]
        ]

    def remove(self, step):
        return [f"removed {self._one('RemoveEntries', step).get('removed', 0)}"]

    def entry(self, step):
        entry = self._one("GetEntry", step)["entry"]
        metadata = ",".join(f"{key}={value}" for key, value in sorted(entry.get("metadata", {}).items()))
        names = [entry.get(name, "") for name in ("pictureSha256", "modelDigest")]
        sizes = [len(base64.b64decode(entry.get(name, ""))) for name in ("picture", "thumbnailJpeg")]
        results = [" ".join([entry["id"], entry.get("thing", ""), metadata, *names]), f"picture {sizes[0]} thumbnail {sizes[1]}"]
        return results + ([embedding_text(entry["embedding"]["values"])] if "embedding" in entry else [])

    def entries(self, step):
        """List all pages."""
        ids, token, more = [], "", True
        while more:
            reply = self._one("ListEntries", step, pageToken=token)
            ids += [entry["id"] for entry in reply.get("entries", [])]
            token = reply.get("nextPageToken", "")
            more = token != ""
        return ["entries " + ",".join(ids)]

    def identify(self, step):
        reply = self._one("Identify", step, image=self._runner.image(step["image"]))
        matches = [f"{m['thing']} {m['entry']['id']} {number(m.get('similarity', 0))} {verdict(m)}" for m in reply.get("matches", [])]
        return matches + [f"searched {reply.get('searchedEntries', 0)}"]

    def duplicates(self, step):
        *groups, last = self._all("FindDuplicates", step)
        alike = [[f"{one['entry']['id']}={number(one.get('similarity', 0))}" for one in g["group"]["entries"]] for g in groups]
        return [",".join(group) for group in alike] + [f"looked at {last['done'].get('entries', 0)}"]

    def reindex(self, step):
        last = self._all("Reindex", step)[-1]
        return [f"encoded {last.get('encoded', 0)} missing {last.get('missing', 0)} of {last.get('entries', 0)}"]

    def _new_entries(self, step):
        return [{**entry, "image": self._runner.image(entry["image"])} for entry in step["entries"]]

    def _one(self, method, step, **more):
        (reply,) = self._all(method, step, **more)
        return reply

    def _all(self, method, step, **more):
        """Make the request of a step's arguments: the contract's fields by their own names."""
        request = {name: value for name, value in step.items() if name != "do"}
        return self._runner.call(method, [{**request, "gallery": self._name, **more}], "GalleryService")


def gallery_text(gallery):
    """Write a gallery, without what differs from run to run."""
    counts = f"{gallery.get('entries', 0)} {gallery.get('staleEntries', 0)}"
    kept = f"pictures={gallery.get('keepPictures', False)} thumbnails={gallery.get('keepThumbnails', False)}".lower()
    return f"{gallery['name']} {gallery['model']} {counts} {kept}"


def options(case):
    """CompareOptions of what the case asks for."""
    names = (("model", "model"), ("threshold", "threshold"), ("include_prepared", "includePrepared"),
             ("test_time_views", "testTimeViews"))
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
