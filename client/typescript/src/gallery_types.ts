// What calls of galleries take and return.

import type { SiameseError } from "./errors.js";
import type { Embedding, ImageInput } from "./images.js";
import type { CallOptions } from "./options.js";
import type { Failure, Familiarity, ModelReference, Timings } from "./results.js";

/** What is told of a gallery: pictures of things that the server keeps as embeddings of one model. */
export interface Gallery {
  /** 1 to 64 characters of a-z, 0-9, ".", "_" and "-", the first a letter or digit. */
  name: string;
  /** The name by which calls ask for its model, such as "general". */
  model: string;
  /** The model whose embeddings are searched: its digest alone where the server has another one of that name, which reindex mends. */
  reference: ModelReference;
  /** How many entries there are, and how many of them are of another model, and so not found. */
  entries: number;
  staleEntries: number;
  keepPictures: boolean;
  keepThumbnails: boolean;
  created: Date | undefined;
  /** Whether a reindex is under way. */
  reindexing: boolean;
}

/** What create can be given. */
export interface GalleryOptions extends CallOptions {
  /** The model that it belongs to, a name without version or label. Default: the server's default; of "auto" the first that is tried. */
  model?: string;
  /** Keeps the bytes of pictures, so that reindex can encode them again. Default false. */
  keepPictures?: boolean;
  /** Keeps a JPEG of each picture, the longer side 160 pixels. Default false. */
  keepThumbnails?: boolean;
}

/** What a caller wants to know of an entry: at most 32 keys of 1 to 64 bytes, values of at most 1,024, together 8 kB. */
export type Metadata = Readonly<Record<string, string>>;

/** An entry to enroll. One of its id is replaced, unless it is the same. */
export interface NewEntry<Extra = never> {
  /** Its name within the gallery: 1 to 256 bytes of UTF-8 without control characters. */
  id: string;
  /** The thing that it shows, at most 256 bytes of the same. Empty or none: it is a thing by itself, named as the entry. */
  thing?: string;
  metadata?: Metadata;
  /** The picture, or an embedding of the gallery's model. */
  image: ImageInput | Extra;
}

/** A picture of a thing, as a gallery keeps it. */
export interface Entry {
  id: string;
  /** The thing that it shows; empty: it is a thing by itself, named as the entry. */
  thing: string;
  metadata: Record<string, string>;
  /** Lower-case hexadecimal SHA-256 of the picture's bytes; empty where it came as an embedding. */
  pictureSha256: string;
  /** ModelReference.digest of the model that made its embedding. */
  modelDigest: string;
  /** When it was enrolled, or last replaced. */
  enrolled: Date | undefined;
  /** How familiar the picture was to the model; undefined where that was not told. */
  familiarity: Familiarity | undefined;
  /** A JPEG file of it, its bytes as they came, its embedding: each undefined unless asked for, and kept. */
  thumbnail: Uint8Array | undefined;
  picture: Uint8Array | undefined;
  embedding: Embedding | undefined;
}

/** How an entry was kept: there was none of its id, it took the place of another one, or it was there already. */
export type EnrollStatus = "added" | "replaced" | "unchanged";

/** An entry that is kept. */
export interface Enrolled {
  status: EnrollStatus;
  familiarity: Familiarity | undefined;
  /** A sentence for people where the picture is foreign to the model; empty otherwise. */
  warning: string;
}

/** What became of an entry: where error is undefined it is kept for good. */
export type EnrollResult = Enrolled & { error?: undefined } | Failure;

/** What enroll returns. */
export interface Enrollment {
  /** One result for each entry, in their order. */
  results: EnrollResult[];
  /** Summed over the calls that it took. */
  timings: Timings;
}

/** What became of the entries of a stream. */
export interface EnrollSummary {
  added: number;
  replaced: number;
  unchanged: number;
  failed: number;
  /** Those that failed, in their order, the first 1,000. */
  failures: EnrollFailure[];
}

/** An entry of a stream that was not kept. */
export interface EnrollFailure {
  id: string;
  /** Its place among the entries, from 0. */
  index: number;
  error: SiameseError;
}

/** Which entries are removed: by their ids, or all of some things; at most 1,000 of both together. */
export interface RemoveOptions extends CallOptions {
  ids?: readonly string[];
  things?: readonly string[];
}

/** What entry can be given. */
export interface EntryOptions extends CallOptions {
  /** Asks for the thumbnail, the picture, the embedding, where kept. Default false. */
  includeThumbnail?: boolean;
  includePicture?: boolean;
  includeEmbedding?: boolean;
}

/** What entries can be given. */
export interface EntriesOptions extends CallOptions {
  /** How many come in a call, 1 to 1,000. Default 0: 100. */
  pageSize?: number;
  /** Leaves out entries that have not all of these keys with these values. */
  filter?: Metadata;
  /** Leaves out entries of other things. */
  thing?: string;
  /** Leaves out entries of the gallery's model. Default false. */
  staleOnly?: boolean;
  /** Asks for thumbnails, where kept. Default false. */
  includeThumbnails?: boolean;
}

/** What identify can be given. */
export interface IdentifyOptions extends CallOptions {
  /** How many things to return, 1 to 100. Default 0: 10. */
  topK?: number;
  /** Leaves out things below this similarity, 0 to 1. Default 0: none is left out. */
  minSimilarity?: number;
  /** Looks only at entries that have all of these keys with these values. */
  filter?: Metadata;
  /** The similarity, 0 to 1, from which the verdict is "same". Default: the model's own. */
  threshold?: number;
  /** Asks for thumbnails of the best entries, where kept. Default false. */
  includeThumbnails?: boolean;
  /** How many views of the image are scored, as in CompareOptions. Default 0: the image alone. */
  testTimeViews?: number;
}

/** A thing that an image may show. */
export interface IdentifiedThing {
  thing: string;
  /** Its entry that is most like the image. */
  entry: Entry;
  /** How alike the image and that entry are: 0 to 1, as compare says it. */
  similarity: number;
  /** The verdict: similarity >= threshold. */
  same: boolean;
}

/** What identify returns. */
export interface Identification {
  /** Best first. */
  matches: IdentifiedThing[];
  /** The threshold, 0 to 1, that the verdicts were made with. */
  threshold: number;
  model: ModelReference;
  /** How familiar the image is to the model; undefined where it does not tell. */
  familiarity: Familiarity | undefined;
  /** A sentence for people where the similarities mean little, or a part of the gallery can't be found; empty otherwise. */
  warning: string;
  timings: Timings;
  /** How many entries there are to search, before the filter. */
  searchedEntries: number;
}

/** What duplicates can be given. */
export interface DuplicatesOptions extends CallOptions {
  /** The similarity, 0 to 1, from which two entries are alike. Default: the model's own. */
  threshold?: number;
  /** Looks only at entries that have all of these keys with these values. */
  filter?: Metadata;
  /** Asks only for groups of more than one thing. Default false. */
  acrossThings?: boolean;
}

/** An entry of a group of which each is alike to another one. */
export interface Duplicate {
  entry: Entry;
  /** Its largest similarity to another entry of the group, 0 to 1. */
  similarity: number;
}

/** The end of the groups. */
export interface DuplicatesDone {
  /** How many entries were looked at. */
  entries: number;
  /** How many groups there were. */
  groups: number;
}

/** What reindex can be given. */
export interface ReindexOptions extends CallOptions {
  /** The model that the gallery is to belong to. Default: the one that it belongs to. */
  model?: string;
}

/** How far a gallery's move to a model is. */
export interface ReindexProgress {
  /** Entries whose embeddings are of the new model, and those that keep no picture to encode, of all entries. */
  encoded: number;
  missing: number;
  entries: number;
  done: boolean;
  /** Ids of entries that have to be sent again, the first 1,000; told with done. */
  missingIds: string[];
}
