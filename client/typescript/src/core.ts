// What both entries export.

export { SiameseClient, type HealthStatus } from "./client.js";
export { SiameseError, type Code } from "./errors.js";
export { Galleries } from "./galleries.js";
export type {
  Duplicate, DuplicatesDone, DuplicatesOptions, Enrolled, EnrollFailure, Enrollment, EnrollResult, EnrollStatus, EnrollSummary, EntriesOptions,
  Entry, EntryOptions, Gallery, GalleryOptions, Identification, IdentifiedThing, IdentifyOptions, Metadata, NewEntry, ReindexOptions,
  ReindexProgress, RemoveOptions,
} from "./gallery_types.js";
export type { Embedding, ImageInput, RawImage, RgbaImage } from "./images.js";
export type { Access, Build, Limits, ModelInfo, ServerInfo } from "./info.js";
export type { CallOptions, ClientOptions, CompareOptions, ModelOptions, RankOptions } from "./options.js";
export type {
  Batch, Comparison, Embedded, Embeddings, EmbedResult, Failure, Familiarity, Match, ModelReference, PairResult, Ranking, Score, Timings,
} from "./results.js";
export type { RetryOptions } from "./retry.js";
