"""What calls return: frozen dataclasses in Python's own types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ._errors import SiameseError


@dataclass(frozen=True)
class Embedding:
    """What a model's encoder makes of an image. It stands for the image in calls.

    Attributes:
        values: ``ModelInfo.embedding_length`` finite numbers (float32), most of them 0.
        model_digest: ``ModelReference.digest`` of the model that made it; another model
            refuses it with ``MODEL_MISMATCH``.

    """

    values: Sequence[float]
    model_digest: str


@dataclass(frozen=True)
class ModelReference:
    """The model that answered: its name, its version, the SHA-256 of its weights."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True)
class Familiarity:
    """How like the pictures that a model knows an image is to it.

    Attributes:
        value: the share, 0 to 1, of pictures such as the model was made for that are less
            familiar to it than this image.
        foreign: whether value is below the model's bound: similarities mean little then.

    """

    value: float
    foreign: bool


@dataclass(frozen=True)
class Timings:
    """Where a call's time went in the server, in seconds; stages overlap.

    Of a list that went in several calls, the sums.
    """

    decode: float = 0.0
    queue: float = 0.0
    encode: float = 0.0
    compare: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """The score of one pair.

    Attributes:
        similarity: 0 to 1, where 1 means the same class.
        same: the verdict: similarity >= threshold.
        threshold: what the verdict was made with.
        model: the model that answered.
        familiarity_a, familiarity_b: how familiar the images are to the model; None where
            it does not tell.
        warning: a sentence for people where the similarity means little, since an image
            is foreign to the model; empty otherwise.
        prepared_a, prepared_b: the pictures as the network saw them, PNG files; empty
            unless asked for.
        timings: where the time went.

    """

    similarity: float
    same: bool
    threshold: float
    model: ModelReference
    familiarity_a: Familiarity | None
    familiarity_b: Familiarity | None
    warning: str
    prepared_a: bytes
    prepared_b: bytes
    timings: Timings


@dataclass(frozen=True)
class PairResult:
    """What became of one pair of a batch.

    Attributes:
        error: why the pair has no score; None where it has one. With an error,
            similarity is 0 and same is False.
        model: the model that answered this pair; None with an error. Where it is another
            than the batch's, as it may be with "auto", its own threshold made the verdict
            unless the caller set one.

    The others are as in :class:`Comparison`.

    """

    similarity: float = 0.0
    same: bool = False
    model: ModelReference | None = None
    familiarity_a: Familiarity | None = None
    familiarity_b: Familiarity | None = None
    warning: str = ""
    prepared_a: bytes = b""
    prepared_b: bytes = b""
    error: SiameseError | None = None


@dataclass(frozen=True)
class BatchResult:
    """The scores of many pairs.

    Attributes:
        results: one for each pair, in the order of the call.
        threshold: what the verdicts were made with.
        model: the model that answered; see PairResult.model.
        timings: where the time went.
        encoded_images: how many images the encoder ran: the distinct ones that were
            neither cached nor under way for another call.

    """

    results: tuple[PairResult, ...]
    threshold: float
    model: ModelReference
    timings: Timings
    encoded_images: int


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate with its score.

    Attributes:
        index: its place among the candidates of the call, from 0.
        prepared: the candidate as the network saw it, a PNG file; empty unless asked for.

    The others are as in :class:`PairResult`.

    """

    index: int
    similarity: float
    same: bool
    model: ModelReference
    familiarity: Familiarity | None
    warning: str
    prepared: bytes


@dataclass(frozen=True)
class CandidateError:
    """A candidate that has no score: its place in the call, and why."""

    index: int
    error: SiameseError


@dataclass(frozen=True)
class Ranking:
    """A query's candidates.

    Attributes:
        ranked: those with a score, best first; equal ones in the order of the call.
        errors: those without, by index.
        familiarity: how familiar the query is to the model; None where it does not tell.
        prepared_query: the query as the network saw it, a PNG file; empty unless asked
            for.

    The others are as in :class:`BatchResult`.

    """

    ranked: tuple[RankedCandidate, ...]
    errors: tuple[CandidateError, ...]
    threshold: float
    model: ModelReference
    familiarity: Familiarity | None
    warning: str
    prepared_query: bytes
    timings: Timings
    encoded_images: int


@dataclass(frozen=True)
class EmbedResult:
    """What became of one image: an embedding, or the error why there is none."""

    embedding: Embedding | None = None
    familiarity: Familiarity | None = None
    warning: str = ""
    prepared: bytes = b""
    error: SiameseError | None = None


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of many images, in the order of the call.

    With "auto" each embedding names its own model by its digest; model is that of the
    first one then.
    """

    results: tuple[EmbedResult, ...]
    model: ModelReference
    timings: Timings
    encoded_images: int


@dataclass(frozen=True)
class ReferenceResult:
    """What became of a reference of a stream; error is None where it is stored."""

    name: str
    familiarity: Familiarity | None = None
    warning: str = ""
    prepared: bytes = b""
    error: SiameseError | None = None


@dataclass(frozen=True)
class ReferenceScore:
    """How a frame compares with one reference.

    Attributes:
        foreign: whether the reference is foreign to the model that answered, or the frame
            is and FrameResult.familiarity does not say so.

    """

    reference: str
    similarity: float
    same: bool
    model: ModelReference
    foreign: bool


@dataclass(frozen=True)
class FrameResult:
    """What became of one frame of a stream.

    Attributes:
        index: its place among the frames, from 0.
        sent_at: when it was handed to gRPC, in UTC by this machine's clock; with the time
            of now it says how old the answer is.
        scores: one for each reference, in the order in which they were set.
        dropped: whether a newer frame took its place; it has no scores then.
        error: why it has no scores; None where it has.
        prepared: the frame as the network saw it, a PNG file; empty unless asked for.

    """

    index: int
    sent_at: datetime
    scores: tuple[ReferenceScore, ...] = ()
    threshold: float = 0.0
    familiarity: Familiarity | None = None
    warning: str = ""
    prepared: bytes = b""
    timings: Timings = Timings()
    dropped: bool = False
    error: SiameseError | None = None
