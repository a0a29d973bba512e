"""Says how alike two images are, through a siamese server.

:class:`Client` is for ordinary programs, :class:`AsyncClient` for asyncio; both have the
same calls. What fails raises, or is, a :class:`SiameseError`.
"""

from ._address import Address, parse_address
from ._aio import AsyncClient
from ._aio_answers import AsyncDuplicates, AsyncReindexing
from ._aio_galleries import AsyncGalleries
from ._aio_stream import AsyncCompareStream
from ._answers import Duplicates, Reindexing
from ._channel import TLS
from ._client import Client
from ._errors import SiameseError
from ._galleries import Galleries
from ._gallery_results import (
    BatchEnrollment,
    Duplicate,
    DuplicateGroup,
    DuplicatesDone,
    EnrollFailure,
    Enrollment,
    EnrollResult,
    EnrollStatus,
    Entry,
    Gallery,
    Identification,
    NewEntry,
    ReindexProgress,
    ThingMatch,
)
from ._images import ImageLike, RawPixels, Reference
from ._info import Access, BuildInfo, Limits, ModelInfo, ServerInfo
from ._results import (
    BatchResult,
    CandidateError,
    Comparison,
    Embedding,
    Embeddings,
    EmbedResult,
    Familiarity,
    FrameResult,
    ModelReference,
    PairResult,
    RankedCandidate,
    Ranking,
    ReferenceResult,
    ReferenceScore,
    Timings,
)
from ._steps import RetryPolicy
from ._stream import CompareStream
from ._version import __version__

__all__ = [
    "TLS",
    "Access",
    "Address",
    "AsyncClient",
    "AsyncCompareStream",
    "AsyncDuplicates",
    "AsyncGalleries",
    "AsyncReindexing",
    "BatchEnrollment",
    "BatchResult",
    "BuildInfo",
    "CandidateError",
    "Client",
    "CompareStream",
    "Comparison",
    "Duplicate",
    "DuplicateGroup",
    "Duplicates",
    "DuplicatesDone",
    "EmbedResult",
    "Embedding",
    "Embeddings",
    "EnrollFailure",
    "EnrollResult",
    "EnrollStatus",
    "Enrollment",
    "Entry",
    "Familiarity",
    "FrameResult",
    "Galleries",
    "Gallery",
    "Identification",
    "ImageLike",
    "Limits",
    "ModelInfo",
    "ModelReference",
    "NewEntry",
    "PairResult",
    "RankedCandidate",
    "Ranking",
    "RawPixels",
    "Reference",
    "ReferenceResult",
    "ReferenceScore",
    "ReindexProgress",
    "Reindexing",
    "RetryPolicy",
    "ServerInfo",
    "SiameseError",
    "ThingMatch",
    "Timings",
    "__version__",
    "parse_address",
]
