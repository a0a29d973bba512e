// The calls of galleries that Node and browsers have alike.

import { create } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { answered, boundsOf, inList, type Caller } from "./caller.js";
import { SiameseError } from "./errors.js";
import { duplicatesOf, enrollResultOf, entryOf, galleryOf, identificationOf, progressOf } from "./gallery_messages.js";
import type {
  Duplicate, DuplicatesDone, DuplicatesOptions, EnrollResult, Enrollment, EntriesOptions, Entry, EntryOptions, Gallery, GalleryOptions,
  Identification, IdentifyOptions, NewEntry, ReindexOptions, ReindexProgress, RemoveOptions,
} from "./gallery_types.js";
import { NewEntrySchema, type GalleryService, type NewEntry as EntryMessage } from "./gen/siamese/v1/gallery_pb.js";
import type { ImageInput } from "./images.js";
import { countOf, type CallOptions } from "./options.js";
import { addTime, noTime } from "./results.js";
import { partsOf, type Ready } from "./split.js";

/**
 * Keeps pictures of things under names, and says which of them a picture shows; client.galleries
 * is one. Extra is what only one platform has as an image.
 */
export class Galleries<Extra = never> {
  protected readonly service: Client<typeof GalleryService>;
  protected readonly caller: Caller;

  /** For clients, which make it. */
  constructor(service: Client<typeof GalleryService>, caller: Caller) {
    this.service = service;
    this.caller = caller;
  }

  /** Tells of all galleries that the caller may read, by name. */
  async list(options: CallOptions = {}): Promise<Gallery[]> {
    const { galleries } = await this.caller.call((each) => this.service.listGalleries({}, each), options);
    return galleries.map(galleryOf);
  }

  /** Tells of one gallery. One that there is none of: GALLERY_NOT_FOUND. */
  async get(gallery: string, options: CallOptions = {}): Promise<Gallery> {
    return galleryOf((await this.caller.call((each) => this.service.getGallery({ gallery }, each), options)).gallery);
  }

  /** Makes an empty gallery, or returns the one of that name that was made with the same options. With others: GALLERY_EXISTS. */
  async create(gallery: string, options: GalleryOptions = {}): Promise<Gallery> {
    const { model = "", keepPictures = false, keepThumbnails = false } = options;
    const request = { gallery, model, keepPictures, keepThumbnails };
    return galleryOf((await this.caller.call((each) => this.service.createGallery(request, each), options)).gallery);
  }

  /** Removes a gallery with all that it holds; returns how many entries that were. */
  async delete(gallery: string, options: CallOptions = {}): Promise<number> {
    return Number((await this.caller.call((each) => this.service.deleteGallery({ gallery }, each), options)).entries);
  }

  /**
   * Keeps entries, however many: a list beyond the server's limits is sent in several calls,
   * one after another, and pictures are read when it is their turn. An entry that fails
   * carries its own error, whose field is as of the whole list; the others are kept for good.
   * Where a call fails, those before it are kept: the same list can be enrolled again.
   */
  async enroll(gallery: string, entries: readonly NewEntry<Extra>[], options: CallOptions = {}): Promise<Enrollment> {
    const deadline = this.caller.deadline(options);
    const { maxImages: items, maxMessageBytes } = await this.caller.knownLimits(options, deadline);
    const results: EnrollResult[] = new Array(entries.length);
    const enrollment: Enrollment = { results, timings: noTime() };
    const parts = partsOf(entries, boundsOf(items, maxMessageBytes), (entry, index) => this.ready(entry, `entries[${index}].image`),
      (index, error) => { results[index] = { error }; });
    for await (const { messages, indexes } of parts) {
      const reply = await this.caller.call((each) => this.service.batchEnroll({ gallery, entries: messages }, each), options, deadline, "entries", indexes);
      for (const [place, index] of indexes.entries()) results[index] = inList(enrollResultOf(answered(reply.results, place)), "entries", indexes);
      addTime(enrollment.timings, reply.timings);
    }
    return enrollment;
  }

  /** Removes entries; returns how many. Ids and things that there are none of are passed over. */
  async remove(gallery: string, options: RemoveOptions): Promise<number> {
    const request = { gallery, ids: [...options.ids ?? []], things: [...options.things ?? []] };
    return Number((await this.caller.call((each) => this.service.removeEntries(request, each), options)).removed);
  }

  /** Returns one entry. One that there is none of: ENTRY_NOT_FOUND. */
  async entry(gallery: string, id: string, options: EntryOptions = {}): Promise<Entry> {
    const { includeThumbnail = false, includePicture = false, includeEmbedding = false } = options;
    const request = { gallery, id, includeThumbnail, includePicture, includeEmbedding };
    return entryOf((await this.caller.call((each) => this.service.getEntry(request, each), options)).entry);
  }

  /** A gallery's entries in the order of their ids, by bytes, asked for page by page as they are taken. */
  async *entries(gallery: string, options: EntriesOptions = {}): AsyncGenerator<Entry, void, undefined> {
    const { filter = {}, thing = "", staleOnly = false, includeThumbnails = false } = options;
    const pageSize = countOf("pageSize", options.pageSize);
    const deadline = this.caller.deadline(options);
    for (let pageToken = "", more = true; more;) {
      const request = { gallery, pageSize, pageToken, filter: { ...filter }, thing, staleOnly, includeThumbnails };
      const reply = await this.caller.call((each) => this.service.listEntries(request, each), options, deadline);
      yield* reply.entries.map(entryOf);
      pageToken = reply.nextPageToken;
      more = pageToken !== "";
    }
  }

  /** Says which things an image may show, best first. The similarity is the one that compare gives of the image and the entry. */
  async identify(gallery: string, image: ImageInput | Extra, options: IdentifyOptions = {}): Promise<Identification> {
    const deadline = this.caller.deadline(options);
    const { threshold, minSimilarity = 0, filter = {}, includeThumbnails = false } = options;
    const topK = countOf("topK", options.topK);
    const testTimeViews = countOf("testTimeViews", options.testTimeViews, "0 for the picture alone");
    const request = {
      gallery, image: await this.caller.image(image, "image"), topK, testTimeViews, minSimilarity, filter: { ...filter }, includeThumbnails,
      ...threshold === undefined ? {} : { threshold },
    };
    return identificationOf(await this.caller.call((each) => this.service.identify(request, each), options, deadline));
  }

  /**
   * Groups of entries of which each is alike to another one, the largest similarity first,
   * as the server finds them; what the generator returns in the end tells how many there
   * were. Without timeoutMs there is no deadline; leaving the loop ends the search.
   */
  async *duplicates(gallery: string, options: DuplicatesOptions = {}): AsyncGenerator<Duplicate[], DuplicatesDone, undefined> {
    const { threshold, filter = {}, acrossThings = false } = options;
    const request = { gallery, filter: { ...filter }, acrossThings, ...threshold === undefined ? {} : { threshold } };
    for await (const { event } of this.caller.stream((each) => this.service.findDuplicates(request, each), options)) {
      if (event.case === "done") return { entries: Number(event.value.entries), groups: Number(event.value.groups) };
      if (event.case === "group") yield duplicatesOf(event.value);
    }
    throw unended("duplicates");
  }

  /**
   * Moves a gallery to its model as it is now, or to another one, and tells of the progress
   * until it is done. The work goes on in the server where the loop is left; another call
   * joins it. Without timeoutMs there is no deadline.
   */
  async *reindex(gallery: string, options: ReindexOptions = {}): AsyncGenerator<ReindexProgress, void, undefined> {
    const request = { gallery, model: options.model ?? "" };
    for await (const reply of this.caller.stream((each) => this.service.reindex(request, each), options)) {
      yield progressOf(reply);
      if (reply.done) return;
    }
    throw unended("reindex");
  }

  /** The message of an entry, with its bytes at most; field is told where its picture can't be read. */
  protected async ready({ id, thing = "", metadata = {}, image }: NewEntry<Extra>, field: string): Promise<Ready<EntryMessage>> {
    const { message, bytes } = await this.caller.ready(image, field);
    const texts = [id, thing, ...Object.entries(metadata).flat()];
    const more = texts.reduce((sum, text) => sum + 3 * text.length + perText, 0);
    return { message: create(NewEntrySchema, { id, thing, metadata: { ...metadata }, image: message }), bytes: bytes + more };
  }
}

/** Bytes of a message beside a text's own. A letter of JavaScript's takes 3 bytes of UTF-8 at most. */
const perText = 8;

/** A server that does not keep to the contract. */
function unended(call: string): SiameseError {
  return new SiameseError(`the server ended the answers of ${call} before it was done`, { code: "INTERNAL" });
}
