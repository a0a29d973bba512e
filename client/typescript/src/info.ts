// What a server tells of itself.

import { durationMs } from "@bufbuild/protobuf/wkt";
import type * as wire from "./gen/siamese/v1/info_pb.js";
import { modelOf, type ModelReference } from "./results.js";

/** A model that the server serves. */
export interface ModelInfo extends ModelReference {
  /** The name by which calls ask for it, such as "general". */
  servingName: string;
  /** What it is for in a word or two, and what it knows in a sentence or two, for people. Both may be empty. */
  title: string;
  knows: string;
  /** The network's input, in pixels. */
  inputWidth: number;
  inputHeight: number;
  /** How many numbers an embedding has. */
  embeddingLength: number;
  /** The similarity, 0 to 1, from which the verdict is "same" by default. */
  threshold: number;
  /** How a picture is brought to the input's size. */
  resizeRule: string;
  /** Where it runs, such as "cpu" or "gpu:0". */
  device: string;
  /** What it computes in, "float32" or "bfloat16"; empty where that is not known. */
  precision: string;
  /** The familiarity, 0 to 1, below which an image is foreign to it. 0: it does not tell. */
  familiarityBound: number;
}

/** What the server accepts. What is over a limit is refused. */
export interface Limits {
  /** Bytes of one message, and of one encoded image. */
  maxMessageBytes: number;
  maxImageBytes: number;
  /** Pixels of one image, and how many times its shorter side the longer one may be. */
  maxImagePixels: number;
  maxSideRatio: number;
  /** Pairs of one BatchCompare, candidates of one Rank, images of one Embed: longer lists are split. */
  maxPairs: number;
  maxCandidates: number;
  maxImages: number;
  /** Views of a picture that a call may ask for; 0 or 1: the picture alone. */
  maxTestTimeViews: number;
  /** References of a stream, and frames in flight on it. */
  maxStreamReferences: number;
  maxStreamWindow: number;
  /** Images of one call that may wait for the encoder. */
  maxQueuedImages: number;
  /** Open streams, and other calls in flight, of all callers. */
  maxStreams: number;
  maxCalls: number;
  /** Bytes that all calls hold at a time. */
  memoryBytes: number;
  /** The deadline of a call that sets none, and the longest that one gets, in milliseconds. */
  defaultDeadlineMs: number;
  maxDeadlineMs: number;
  /** The formats that are decoded, such as "jpeg". */
  imageFormats: string[];
}

/** What the server asks of a caller, and what a caller may ask of it. */
export interface Access {
  tokenNeeded: boolean;
  /** Calls a second of one caller, and calls at once after a silence. 0: no bound. */
  callsPerSecond: number;
  burst: number;
  /** Calls of one caller in flight. 0: no bound. */
  concurrentCalls: number;
}

/** What the server was built from. */
export interface Build {
  version: string;
  revision: string;
  goVersion: string;
  tensorflowVersion: string;
}

/** What info returns. */
export interface ServerInfo {
  /** The model that was asked about, or answers where none is named; of "auto" the first that is tried. */
  model: ModelInfo;
  /** All models that are served. */
  models: ModelInfo[];
  /** What answers calls that name no model: a servingName, or "auto". */
  defaultModel: string;
  /** The serving names among which "auto" chooses. Empty: there is no "auto". */
  autoModels: string[];
  /** Whether it keeps galleries. */
  galleries: boolean;
  limits: Limits;
  access: Access;
  build: Build;
}

export function infoOf(reply: wire.GetServerInfoResponse): ServerInfo {
  return {
    model: modelInfoOf(reply.model), models: reply.models.map(modelInfoOf),
    defaultModel: reply.defaultModel, autoModels: reply.autoModels, galleries: reply.galleries,
    limits: limitsOf(reply.limits), access: accessOf(reply.access), build: buildOf(reply.build),
  };
}

function modelInfoOf(model: wire.ModelInfo | undefined): ModelInfo {
  return {
    ...modelOf(model?.reference), servingName: model?.servingName ?? "", title: model?.title ?? "", knows: model?.knows ?? "",
    inputWidth: model?.inputWidth ?? 0, inputHeight: model?.inputHeight ?? 0, embeddingLength: model?.embeddingLength ?? 0,
    threshold: model?.threshold ?? 0, resizeRule: model?.resizeRule ?? "", device: model?.device ?? "",
    precision: model?.precision ?? "", familiarityBound: model?.familiarityBound ?? 0,
  };
}

/** Limits of a server that tells none are its usual ones, as far as calls are made by them. */
function limitsOf(limits: wire.Limits | undefined): Limits {
  return {
    maxMessageBytes: Number(limits?.maxMessageBytes || 16 << 20), maxImageBytes: Number(limits?.maxImageBytes || 7 << 20),
    maxImagePixels: Number(limits?.maxImagePixels || 25e6), maxSideRatio: limits?.maxSideRatio || 20,
    maxPairs: limits?.maxPairs || 64, maxCandidates: limits?.maxCandidates || 256, maxImages: limits?.maxImages || 256,
    maxTestTimeViews: limits?.maxTestTimeViews ?? 0, maxStreamReferences: limits?.maxStreamReferences ?? 0, maxStreamWindow: limits?.maxStreamWindow ?? 0,
    maxQueuedImages: limits?.maxQueuedImages ?? 0, maxStreams: limits?.maxStreams ?? 0, maxCalls: limits?.maxCalls ?? 0,
    memoryBytes: Number(limits?.memoryBytes ?? 0), imageFormats: limits?.imageFormats ?? [],
    defaultDeadlineMs: limits?.defaultDeadline ? durationMs(limits.defaultDeadline) : 0,
    maxDeadlineMs: limits?.maxDeadline ? durationMs(limits.maxDeadline) : 0,
  };
}

function accessOf(access: wire.Access | undefined): Access {
  const { tokenNeeded = false, callsPerSecond = 0, burst = 0, concurrentCalls = 0 } = access ?? {};
  return { tokenNeeded, callsPerSecond, burst, concurrentCalls };
}

function buildOf(build: wire.BuildInfo | undefined): Build {
  const { version = "", revision = "", goVersion = "", tensorflowVersion = "" } = build ?? {};
  return { version, revision, goVersion, tensorflowVersion };
}
