// The contract's messages of a stream, from items and to answers.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate, timestampFromDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { itemErrorOf, SiameseError } from "./errors.js";
import type { Image } from "./gen/siamese/v1/image_pb.js";
import { DropPolicy, StreamCompareRequestSchema, type StreamCompareRequest, type StreamCompareResponse, type StreamOpened } from "./gen/siamese/v1/stream_pb.js";
import { compareOptionsOf } from "./options.js";
import { familiarityOf, modelOf, pictureOf, scoreOf, timingsOf, type ModelReference } from "./results.js";
import type { StreamAnswer, StreamImage, StreamItem, StreamOptions } from "./stream_types.js";

/** Makes an image's message; field names it in an error. */
export type ImageMaker<Extra> = (input: StreamImage<Extra>, field: string) => Promise<Image>;

type Message = NonNullable<MessageInitShape<typeof StreamCompareRequestSchema>["message"]>;

/** What an item is about, for the answer that tells why it failed. */
export interface About { id: number | undefined; reference: string | undefined; capturedAt: Date | undefined }

/** The opening message. Throws RangeError for a window that is none. */
export function openingOf(options: StreamOptions<unknown>): StreamCompareRequest {
  const { window = 0, dropPolicy = "none" } = options;
  if (!(Number.isInteger(window) && window >= 0 && window < 2 ** 32)) {
    throw new RangeError(`received window ${window}, expected a whole number, 0 for as many as the server allows`);
  }
  if (dropPolicy !== "none" && dropPolicy !== "latest") {
    throw new TypeError(`received dropPolicy ${JSON.stringify(dropPolicy)}, expected "none" or "latest"`);
  }
  const policy = dropPolicy === "latest" ? DropPolicy.LATEST : DropPolicy.NONE;
  return request({ case: "opening", value: { window, dropPolicy: policy, options: compareOptionsOf(options), references: [] } });
}

export function referenceOf(name: string, image: Image): StreamCompareRequest {
  return request({ case: "setReference", value: { name, image } });
}

/** What an item is about; next numbers one that has no number. */
export function aboutOf(item: StreamItem<unknown>, next: number): About {
  const about: About = { id: undefined, reference: undefined, capturedAt: undefined };
  if (has(item, "setReference")) return { ...about, reference: String(item.setReference) };
  if (has(item, "dropReference")) return { ...about, reference: String(item.dropReference) };
  const wrapped = has(item, "image") || has(item, "a");
  const { id = next, capturedAt } = wrapped ? item as { id?: number; capturedAt?: Date } : {};
  if (!Number.isSafeInteger(id) || id < 0) throw new RangeError(`received a frame's id ${id}, expected a whole number`);
  return { ...about, id, capturedAt };
}

/** The message of an item. Throws SiameseError where an image can't be read. */
export async function messageOf<Extra>(item: StreamItem<Extra>, { id = 0, capturedAt }: About, image: ImageMaker<Extra>): Promise<StreamCompareRequest> {
  if (has(item, "dropReference")) return request({ case: "dropReference", value: { name: String(item.dropReference) } });
  if (has(item, "setReference")) return referenceOf(String(item.setReference), await image((item as { image: StreamImage<Extra> }).image, "set_reference.image"));
  const numbered = { id: BigInt(id), ...capturedAt && { capturedAt: timestampFromDate(capturedAt) } };
  if (has(item, "a")) {
    const { a, b } = item as { a: StreamImage<Extra>; b: StreamImage<Extra> };
    return request({ case: "pair", value: { ...numbered, imageA: await image(a, "pair.image_a"), imageB: await image(b, "pair.image_b") } });
  }
  const frame = (has(item, "image") ? item : { image: item }) as { image: StreamImage<Extra>; references?: string[] };
  return request({ case: "frame", value: { ...numbered, image: await image(frame.image, "frame.image"), references: frame.references ?? [] } });
}

function has<K extends string>(item: unknown, key: K): item is Record<K, unknown> {
  return typeof item === "object" && item !== null && key in item;
}

function request(message: Message): StreamCompareRequest { return create(StreamCompareRequestSchema, { message }); }

/** The answer that a message is; whole is the stream's model. Throws SiameseError for one that is none. */
export function answerOf({ message }: StreamCompareResponse, whole: ModelReference | undefined): StreamAnswer {
  switch (message.case) {
    case "opened": return openedOf(message.value);
    case "referenceSet": {
      const { name, familiarity, warning, preparedPng } = message.value;
      return { kind: "referenceSet", name, familiarity: familiarityOf(familiarity), warning, prepared: pictureOf(preparedPng) };
    }
    case "referenceDropped": return { kind: "referenceDropped", name: message.value.name };
    case "frameScored": return frameOf(message.value, whole);
    case "pairScored": {
      const { id, capturedAt, score, timings } = message.value;
      if (!score) break;
      const told = scoreOf(score, undefined);
      return { kind: "pair", id: Number(id), capturedAt: dateOf(capturedAt), timings: timingsOf(timings), score: score.model || !whole ? told : { ...told, model: whole } };
    }
    case "framesDropped": return { kind: "dropped", ids: message.value.ids.map(Number) };
    case "itemFailed": return failedOf(message.value);
    case "draining": return { kind: "draining" };
  }
  throw unexpected(message.case);
}

type Value<Case extends string> = Extract<StreamCompareResponse["message"], { case: Case }>["value"];

function openedOf({ window, maxReferences, threshold, model }: StreamOpened): StreamAnswer {
  return { kind: "opened", window, maxReferences, threshold, model: modelOf(model) };
}

function frameOf(frame: Value<"frameScored">, whole: ModelReference | undefined): StreamAnswer {
  const { id, capturedAt, scores, timings, familiarity, warning, preparedPng } = frame;
  return {
    kind: "frame", id: Number(id), capturedAt: dateOf(capturedAt), timings: timingsOf(timings), familiarity: familiarityOf(familiarity),
    warning, prepared: pictureOf(preparedPng),
    scores: scores.map(({ reference, similarity, same, model, foreign }) => ({ reference, similarity, same, foreign, model: model || !whole ? modelOf(model) : whole })),
  };
}

function failedOf({ item, capturedAt, error }: Value<"itemFailed">): StreamAnswer {
  return {
    kind: "failed", capturedAt: dateOf(capturedAt), error: itemErrorOf(error),
    id: item.case === "id" ? Number(item.value) : undefined, reference: item.case === "reference" ? item.value : undefined,
  };
}

function dateOf(time: Timestamp | undefined): Date | undefined { return time && timestampDate(time); }

/** The error of a server that does not keep to the contract. */
export function unexpected(received: string | undefined): SiameseError {
  return new SiameseError(`received the stream's message ${received ?? "of no kind"}, expected the answer to what was sent`, { code: "INTERNAL" });
}
