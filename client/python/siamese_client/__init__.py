"""Says how alike two images are, through a siamese server.

:class:`Client` is for ordinary programs, :class:`AsyncClient` for asyncio; both have the
same calls. What fails raises, or is, a :class:`SiameseError`.
"""

from ._address import Address, parse_address
from ._aio import AsyncClient
from ._aio_stream import AsyncCompareStream
from ._channel import TLS
from ._client import Client
from ._errors import SiameseError
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
    "BatchResult",
    "BuildInfo",
    "CandidateError",
    "Client",
    "CompareStream",
    "Comparison",
    "EmbedResult",
    "Embedding",
    "Embeddings",
    "Familiarity",
    "FrameResult",
    "ImageLike",
    "Limits",
    "ModelInfo",
    "ModelReference",
    "PairResult",
    "RankedCandidate",
    "Ranking",
    "RawPixels",
    "Reference",
    "ReferenceResult",
    "ReferenceScore",
    "RetryPolicy",
    "ServerInfo",
    "SiameseError",
    "Timings",
    "__version__",
    "parse_address",
]
