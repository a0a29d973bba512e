// What calls of galleries return, made from the contract's messages.

import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { itemErrorOf, SiameseError } from "./errors.js";
import { EnrollStatus as Status, type EnrollResult as EnrollMessage } from "./gen/siamese/v1/gallery_pb.js";
import type * as wire from "./gen/siamese/v1/gallery_pb.js";
import { familiarityOf, modelOf, pictureOf, timingsOf } from "./results.js";
import type { Duplicate, EnrollResult, EnrollStatus, Entry, Gallery, Identification, ReindexProgress } from "./gallery_types.js";

export function galleryOf(gallery: wire.Gallery | undefined): Gallery {
  return {
    name: gallery?.name ?? "", model: gallery?.model ?? "", reference: modelOf(gallery?.reference),
    entries: Number(gallery?.entries ?? 0), staleEntries: Number(gallery?.staleEntries ?? 0),
    keepPictures: gallery?.keepPictures ?? false, keepThumbnails: gallery?.keepThumbnails ?? false,
    created: dateOf(gallery?.created), reindexing: gallery?.reindexing ?? false,
  };
}

/** An entry. Throws SiameseError where a server does not keep to the contract, and there is none. */
export function entryOf(entry: wire.Entry | undefined): Entry {
  if (!entry) throw new SiameseError("received an answer without its entry, expected one", { code: "INTERNAL" });
  const { id, thing, metadata, pictureSha256, modelDigest, embedding } = entry;
  return {
    id, thing, metadata: { ...metadata }, pictureSha256, modelDigest, enrolled: dateOf(entry.enrolled), familiarity: familiarityOf(entry.familiarity),
    thumbnail: pictureOf(entry.thumbnailJpeg), picture: pictureOf(entry.picture),
    embedding: embedding && { values: Float32Array.from(embedding.values), modelDigest: embedding.modelDigest },
  };
}

function dateOf(time: Timestamp | undefined): Date | undefined { return time && timestampDate(time); }

const statuses: Partial<Record<Status, EnrollStatus>> = { [Status.ADDED]: "added", [Status.REPLACED]: "replaced", [Status.UNCHANGED]: "unchanged" };

export function enrollResultOf({ outcome, familiarity, warning }: EnrollMessage): EnrollResult {
  const status = outcome.case === "status" ? statuses[outcome.value] : undefined;
  if (status) return { status, familiarity: familiarityOf(familiarity), warning };
  return { error: itemErrorOf(outcome.case === "error" ? outcome.value : undefined) };
}

export function identificationOf(reply: wire.IdentifyResponse): Identification {
  const { threshold, warning } = reply;
  return {
    matches: reply.matches.map(({ thing, entry, similarity, same }) => ({ thing, entry: entryOf(entry), similarity, same })),
    threshold, warning, model: modelOf(reply.model), familiarity: familiarityOf(reply.familiarity),
    timings: timingsOf(reply.timings), searchedEntries: Number(reply.searchedEntries),
  };
}

export function duplicatesOf({ entries }: wire.DuplicateGroup): Duplicate[] {
  return entries.map(({ entry, similarity }) => ({ entry: entryOf(entry), similarity }));
}

export function progressOf({ encoded, missing, entries, done, missingIds }: wire.ReindexResponse): ReindexProgress {
  return { encoded: Number(encoded), missing: Number(missing), entries: Number(entries), done, missingIds };
}
