// What goes into a stream and what comes out of it.

import type { SiameseError } from "./errors.js";
import type { ImageInput } from "./images.js";
import type { CompareOptions } from "./options.js";
import type { Familiarity, ModelReference, Score, Timings } from "./results.js";

/** An image of a stream, which may also be the name of one of its references. */
export type StreamImage<Extra> = ImageInput | Extra | { reference: string };

/** What a frame or pair can be given. */
interface Numbered {
  /** The caller's number for it, which its answer carries. Default: how many frames and pairs came before. */
  id?: number;
  /** When it was taken; the answer carries it. */
  capturedAt?: Date;
}

/** A picture of a sequence. */
export interface Frame<Extra> extends Numbered {
  image: StreamImage<Extra>;
  /** The names of the references to score it against. Default: all. */
  references?: string[];
}

/** Two images to score against each other. */
export interface FramePair<Extra> extends Numbered {
  a: StreamImage<Extra>;
  b: StreamImage<Extra>;
}

/** Stores an image under a name, new or in use, for the frames that follow. */
export interface SetReference<Extra> {
  setReference: string;
  image: StreamImage<Extra>;
}

/** Forgets a reference. */
export interface DropReference { dropReference: string }

/** An item of a stream: an image alone is a frame. */
export type StreamItem<Extra = never> = StreamImage<Extra> | Frame<Extra> | FramePair<Extra> | SetReference<Extra> | DropReference;

/** What a stream can be given. */
export interface StreamOptions<Extra = never> extends Omit<CompareOptions, "timeoutMs"> {
  /** References by name to begin with, set one after another in their order. */
  references?: Readonly<Record<string, ImageInput | Extra>> | ReadonlyMap<string, ImageInput | Extra>;
  /** How many frames may be in flight; the server may grant fewer. Default 0: as many as it allows. */
  window?: number;
  /**
   * What becomes of a frame that comes while the window is full: with "none", the default,
   * it is not asked for before there is room; with "latest" frames are sent as they come, and
   * one that waits is dropped for a newer one.
   */
  dropPolicy?: "none" | "latest";
  /**
   * Whether another stream is opened, with the same references, when the server is about to
   * end this one; no frame is lost by that. Default true. False: the answers end.
   */
  reconnect?: boolean;
}

/** The stream is open; also after each reconnection. */
export interface Opened {
  kind: "opened";
  /** How many frames and pairs may be in flight, and how many references there may be. */
  window: number;
  maxReferences: number;
  threshold: number;
  /** The model that answers; with "auto" the first that is tried. */
  model: ModelReference;
}

/** A reference is stored. */
export interface ReferenceSet {
  kind: "referenceSet";
  name: string;
  familiarity: Familiarity | undefined;
  warning: string;
  prepared: Uint8Array | undefined;
}

/** A reference is forgotten. */
export interface ReferenceDropped { kind: "referenceDropped"; name: string }

/** How alike a frame and a reference are. */
export interface ReferenceScore {
  reference: string;
  /** 0 to 1, where 1 means the same class. */
  similarity: number;
  same: boolean;
  model: ModelReference;
  /** Whether the reference is foreign to the model. */
  foreign: boolean;
}

/** A frame with its scores. */
export interface FrameScored {
  kind: "frame";
  id: number;
  capturedAt: Date | undefined;
  /** In the order that the frame asked for, else that in which references were first set. */
  scores: ReferenceScore[];
  familiarity: Familiarity | undefined;
  warning: string;
  prepared: Uint8Array | undefined;
  timings: Timings;
}

/** A pair with its score. */
export interface PairScored {
  kind: "pair";
  id: number;
  capturedAt: Date | undefined;
  score: Score;
  timings: Timings;
}

/** Frames that newer ones replaced before they were decoded. */
export interface FramesDropped { kind: "dropped"; ids: number[] }

/** An item that failed; the stream goes on. */
export interface ItemFailed {
  kind: "failed";
  /** The number of the frame or pair; undefined where it was a reference. */
  id: number | undefined;
  /** The name of the reference; undefined where it was a frame or pair. */
  reference: string | undefined;
  capturedAt: Date | undefined;
  error: SiameseError;
}

/** The server is about to end the stream; see StreamOptions.reconnect. */
export interface Draining { kind: "draining" }

/** An answer of a stream. */
export type StreamAnswer = Opened | ReferenceSet | ReferenceDropped | FrameScored | PairScored | FramesDropped | ItemFailed | Draining;
