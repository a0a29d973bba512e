// The messages of siamese.v1 as JSON, as far as the page uses them. proto3 leaves
// out what is zero, so that every field may be missing; 64-bit numbers and
// durations are text.

/** An image of a call: encoded is base64. */
export interface Image { encoded?: string; embedding?: Embedding }
export interface Embedding { values?: number[]; modelDigest?: string }
export interface ItemError { code?: number; reason?: string; message?: string; field?: string }
export interface ModelReference { name?: string; version?: string; digest?: string }

/** Durations such as "0.084s". */
export interface Timings { decode?: string; queue?: string; encode?: string; compare?: string; total?: string }

export interface CompareResponse {
  similarity?: number; same?: boolean; threshold?: number; model?: ModelReference; timings?: Timings;
  preparedAPng?: string; preparedBPng?: string;
}
export interface RankedCandidate { index?: number; similarity?: number; same?: boolean; preparedPng?: string }
export interface RankResponse {
  ranked?: RankedCandidate[]; errors?: { index?: number; error?: ItemError }[];
  threshold?: number; model?: ModelReference; timings?: Timings; preparedQueryPng?: string;
}
export interface EmbedResponse {
  results?: { embedding?: Embedding; error?: ItemError; preparedPng?: string }[]; model?: ModelReference;
}
export interface Limits {
  maxMessageBytes?: string; maxImageBytes?: string; maxImagePixels?: string; maxSideRatio?: number;
  maxCandidates?: number; maxImages?: number; imageFormats?: string[];
}
export interface Access { tokenNeeded?: boolean; callsPerSecond?: number; burst?: number; concurrentCalls?: number }
export interface ServerInfo {
  model?: {
    reference?: ModelReference; inputHeight?: number; inputWidth?: number; embeddingLength?: number;
    threshold?: number; resizeRule?: string; device?: string;
  };
  limits?: Limits;
  access?: Access;
  build?: { version?: string; revision?: string; goVersion?: string; tensorflowVersion?: string };
}
