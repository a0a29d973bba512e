package siamese.client;

import io.grpc.Channel;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import siamese.v1.BatchEnrollRequest;
import siamese.v1.CreateGalleryRequest;
import siamese.v1.DeleteGalleryRequest;
import siamese.v1.FindDuplicatesRequest;
import siamese.v1.GalleryServiceGrpc;
import siamese.v1.GalleryServiceGrpc.GalleryServiceBlockingStub;
import siamese.v1.GetEntryRequest;
import siamese.v1.GetGalleryRequest;
import siamese.v1.IdentifyRequest;
import siamese.v1.ListEntriesRequest;
import siamese.v1.ListGalleriesRequest;
import siamese.v1.ReindexRequest;
import siamese.v1.RemoveEntriesRequest;

/**
 * Keeps pictures of things under names, and says which of them a picture shows; from {@link
 * SiameseClient#galleries}. Safe for concurrent use by any number of threads; calls block. A gallery
 * belongs to one model.
 *
 * <p>A call throws {@link SiameseException} where it fails as a whole: GALLERIES_OFF where the server
 * keeps none ({@link ServerInfo#galleries}), GALLERY_NOT_FOUND, GALLERY_DENIED where the caller may
 * not do that. It is made again as other calls are: carried out twice, each leaves what it leaves
 * when carried out once.
 */
public final class Galleries {
  private final Channel channel;
  private final GalleryServiceBlockingStub service;
  private final Caller caller;
  private final Function<Caller.Time, Limits> limits;
  private final Duration deadline; // null: the client's

  Galleries(
      Channel channel, Caller caller, Function<Caller.Time, Limits> limits, Duration deadline) {
    this.channel = channel;
    this.service = GalleryServiceGrpc.newBlockingStub(channel);
    this.caller = caller;
    this.limits = limits;
    this.deadline = deadline;
  }

  /**
   * The same calls with a deadline of their own: each has to end within it, retries, the parts of a
   * long list and all pages included. Without one, {@link #enroll}, {@link #findDuplicates} and
   * {@link #reindex} take as long as they need, and the others have the client's.
   *
   * @param deadline longer than 0
   * @return the calls with that deadline
   */
  public Galleries withDeadline(Duration deadline) {
    return new Galleries(channel, caller, limits, Checks.positive(deadline));
  }

  private Caller.Time begin() {
    return caller.begin(deadline);
  }

  /** One request of a call that may take longer than a request. */
  private Caller.Time request(Caller.Time whole) {
    return whole.end() == null ? begin() : whole;
  }

  /**
   * Makes an empty gallery of the server's default model, or returns the one of that name.
   *
   * @param gallery as of {@link #create(String, GalleryOptions)}
   * @return it as it is now
   */
  public Gallery create(String gallery) {
    return create(gallery, GalleryOptions.DEFAULT);
  }

  /**
   * Makes an empty gallery, or returns the one of that name where it is made as the options say.
   *
   * @param gallery its name: 1 to 64 characters of a-z, 0-9, '.', '_' and '-', the first a letter or
   *     digit
   * @param options what it is made with
   * @return it as it is now
   * @throws SiameseException GALLERY_EXISTS: there is one that is made in another way
   */
  public Gallery create(String gallery, GalleryOptions options) {
    CreateGalleryRequest request =
        CreateGalleryRequest.newBuilder()
            .setGallery(gallery)
            .setModel(options.model())
            .setKeepPictures(options.keepPictures())
            .setKeepThumbnails(options.keepThumbnails())
            .build();
    return GalleryWire.gallery(
        caller.send(begin(), service, stub -> stub.createGallery(request)).getGallery());
  }

  /**
   * Tells of one gallery.
   *
   * @param gallery its name
   * @return it as it is now
   */
  public Gallery get(String gallery) {
    GetGalleryRequest request = GetGalleryRequest.newBuilder().setGallery(gallery).build();
    return GalleryWire.gallery(
        caller.send(begin(), service, stub -> stub.getGallery(request)).getGallery());
  }

  /**
   * Tells of all galleries that the caller may read.
   *
   * @return by name; unmodifiable
   */
  public List<Gallery> list() {
    ListGalleriesRequest request = ListGalleriesRequest.getDefaultInstance();
    return caller.send(begin(), service, stub -> stub.listGalleries(request)).getGalleriesList()
        .stream()
        .map(GalleryWire::gallery)
        .toList();
  }

  /**
   * Removes a gallery with all that it holds. Where the answer is lost on its way, the call is made
   * again, and may find no gallery any more: GALLERY_NOT_FOUND.
   *
   * @param gallery its name
   * @return how many entries went with it
   */
  public long delete(String gallery) {
    DeleteGalleryRequest request = DeleteGalleryRequest.newBuilder().setGallery(gallery).build();
    return caller.send(begin(), service, stub -> stub.deleteGallery(request)).getEntries();
  }

  /**
   * Keeps any number of entries in one call. They are taken from the iterator, in the caller's
   * thread, as fast as the server encodes them. It returns when all are kept for good or have failed
   * by themselves. Where it throws, some may have been kept: all can be sent again, since an entry
   * that is there as it is stays so. The call is made again only until a second entry is sent.
   *
   * @param gallery its name
   * @param entries what they throw is thrown as it is, and ends the call
   * @return what became of them
   */
  public Enrollment enroll(String gallery, Iterator<NewEntry> entries) {
    Objects.requireNonNull(entries, "entries");
    Caller.Time time = caller.beginStream(deadline);
    long maxMessageBytes = limits.apply(request(time)).maxMessageBytes();
    GalleryServiceGrpc.GalleryServiceStub stub = GalleryServiceGrpc.newStub(channel);
    return new Enrolling(caller, stub, gallery, entries, maxMessageBytes).run(time);
  }

  /**
   * Keeps entries, and tells of each. All without an error are kept for good when it returns; where
   * it throws, some may have been, and all can be sent again.
   *
   * @param gallery its name
   * @param entries any number but none
   * @return one result an entry
   */
  public BatchEnrollment enrollBatch(String gallery, List<NewEntry> entries) {
    List<siamese.v1.NewEntry> items = entries.stream().map(NewEntry::message).toList();
    BatchEnrollRequest base = BatchEnrollRequest.newBuilder().setGallery(gallery).build();
    Caller.Time time = begin();
    Limits known = limits.apply(time);
    EnrollAnswers answers = new EnrollAnswers();
    for (Parts.Part part : Parts.split(items, known.maxImages(), known.maxMessageBytes(), base)) {
      if (part.tooLarge()) {
        answers.refuse(part, known.maxMessageBytes());
        continue;
      }
      BatchEnrollRequest request =
          base.toBuilder().addAllEntries(items.subList(part.first(), part.end())).build();
      answers.add(
          caller.send(time, service, part.first(), "entries", stub -> stub.batchEnroll(request)),
          part);
    }
    return answers.result();
  }

  /**
   * Removes entries by their ids, and all that show one of some things, at most 1,000 ids and things
   * together. Those that there are none of are passed over.
   *
   * @param gallery its name
   * @param ids of entries
   * @param things of which all entries go
   * @return how many entries went
   */
  public long remove(String gallery, Collection<String> ids, Collection<String> things) {
    ids.forEach(id -> Checks.text("id", id));
    things.forEach(thing -> Checks.text("thing", thing));
    RemoveEntriesRequest request =
        RemoveEntriesRequest.newBuilder()
            .setGallery(gallery)
            .addAllIds(ids)
            .addAllThings(things)
            .build();
    return caller.send(begin(), service, stub -> stub.removeEntries(request)).getRemoved();
  }

  /**
   * Returns one entry.
   *
   * @param gallery the gallery's name
   * @param id the entry's
   * @param with the large parts that are wanted
   * @return it as it is now
   * @throws SiameseException ENTRY_NOT_FOUND: there is none of this id
   */
  public Entry entry(String gallery, String id, EntryPart... with) {
    List<EntryPart> wanted = Arrays.asList(with);
    GetEntryRequest request =
        GetEntryRequest.newBuilder()
            .setGallery(gallery)
            .setId(Checks.text("id", id))
            .setIncludeThumbnail(wanted.contains(EntryPart.THUMBNAIL))
            .setIncludePicture(wanted.contains(EntryPart.PICTURE))
            .setIncludeEmbedding(wanted.contains(EntryPart.EMBEDDING))
            .build();
    return GalleryWire.entry(
        caller.send(begin(), service, stub -> stub.getEntry(request)).getEntry());
  }

  /**
   * All entries of a gallery.
   *
   * @param gallery its name
   * @return as of {@link #entries(String, EntryListOptions)}
   */
  public Stream<Entry> entries(String gallery) {
    return entries(gallery, EntryListOptions.DEFAULT);
  }

  /**
   * Entries of a gallery in the order of their ids, by bytes. Nothing is asked for before the stream
   * is used; then pages are, as they are needed, and what is wrong is thrown there. It needs no
   * closing. Entries that come and go meanwhile may or may not be in it.
   *
   * @param gallery its name
   * @param options which are wanted
   * @return a sequential stream
   */
  public Stream<Entry> entries(String gallery, EntryListOptions options) {
    Caller.Time time = caller.beginStream(deadline);
    return EntryPages.stream(token -> page(gallery, options, token, request(time)));
  }

  /**
   * One page of a gallery's entries, for callers that show pages.
   *
   * @param gallery its name
   * @param options which are wanted
   * @param token {@link EntryPage#nextToken} of the page before, of the same gallery and options;
   *     empty: the first page
   * @return the page
   */
  public EntryPage page(String gallery, EntryListOptions options, String token) {
    return page(gallery, options, token, begin());
  }

  private EntryPage page(
      String gallery, EntryListOptions options, String token, Caller.Time time) {
    ListEntriesRequest request =
        ListEntriesRequest.newBuilder()
            .setGallery(gallery)
            .setPageSize(options.pageSize())
            .setPageToken(token)
            .putAllFilter(options.filter())
            .setThing(options.thing())
            .setStaleOnly(options.staleOnly())
            .setIncludeThumbnails(options.includeThumbnails())
            .build();
    return GalleryWire.page(caller.send(time, service, stub -> stub.listEntries(request)));
  }

  /**
   * Says which things of a gallery an image may show, with defaults.
   *
   * @param gallery its name
   * @param image as of {@link #identify(String, Image, IdentifyOptions)}
   * @return the best ten, best first
   */
  public Identification identify(String gallery, Image image) {
    return identify(gallery, image, IdentifyOptions.DEFAULT);
  }

  /**
   * Says which things of a gallery an image may show.
   *
   * @param gallery its name
   * @param image a picture, or an embedding of the gallery's model
   * @param options wishes
   * @return the things, best first
   * @throws SiameseException MODEL_MISMATCH: it is an embedding of another model
   */
  public Identification identify(String gallery, Image image, IdentifyOptions options) {
    IdentifyRequest.Builder request =
        IdentifyRequest.newBuilder()
            .setGallery(gallery)
            .setImage(Image.message(image))
            .setTopK(options.topK())
            .setMinSimilarity(options.minSimilarity())
            .putAllFilter(options.filter())
            .setIncludeThumbnails(options.includeThumbnails())
            .setTestTimeViews(options.testTimeViews());
    options.threshold().ifPresent(request::setThreshold);
    return GalleryWire.identification(
        caller.send(begin(), service, stub -> stub.identify(request.build())));
  }

  /**
   * Finds groups of entries that are alike, with defaults.
   *
   * @param gallery its name
   * @return as of {@link #findDuplicates(String, DuplicateOptions)}
   */
  public DuplicateGroups findDuplicates(String gallery) {
    return findDuplicates(gallery, DuplicateOptions.DEFAULT);
  }

  /**
   * Finds groups of entries that are alike. The search begins at once, and takes minutes for 100,000
   * entries; the call is made again only until the first group has come.
   *
   * @param gallery its name
   * @param options wishes
   * @return the groups as they come, which the caller closes; they throw what is wrong
   */
  public DuplicateGroups findDuplicates(String gallery, DuplicateOptions options) {
    FindDuplicatesRequest.Builder request =
        FindDuplicatesRequest.newBuilder()
            .setGallery(gallery)
            .putAllFilter(options.filter())
            .setAcrossThings(options.acrossThings());
    options.threshold().ifPresent(request::setThreshold);
    return new DuplicateGroups(caller, caller.beginStream(deadline), service, request.build());
  }

  /**
   * Moves a gallery to its model as that is now.
   *
   * @param gallery its name
   * @return as of {@link #reindex(String, String)}
   */
  public Reindexing reindex(String gallery) {
    return reindex(gallery, "");
  }

  /**
   * Moves a gallery to another model, or to its own as that is now: entries that keep their pictures
   * are encoded again. It starts the work at once, or joins that which is under way. Entries that
   * keep no picture stay as they are, are not found any more, and have to be sent again: the last
   * progress names them.
   *
   * @param gallery its name
   * @param model as of {@link GalleryOptions#model}; empty: the gallery's own
   * @return the progress as it comes, which the caller closes; it throws what is wrong
   */
  public Reindexing reindex(String gallery, String model) {
    ReindexRequest request =
        ReindexRequest.newBuilder().setGallery(gallery).setModel(model).build();
    return new Reindexing(caller, caller.beginStream(deadline), service, request);
  }
}
