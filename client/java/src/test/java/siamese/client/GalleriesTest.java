package siamese.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import siamese.v1.FindDuplicatesResponse;
import siamese.v1.GetEntryRequest;
import siamese.v1.IdentifyRequest;
import siamese.v1.IdentifyResponse;
import siamese.v1.ListEntriesRequest;
import siamese.v1.ReindexResponse;

/** Calls of galleries against a service in this process; GalleriesEnrollTest has Enroll. */
@Timeout(60)
class GalleriesTest {
  private static final siamese.v1.Entry ENTRY = entry();

  private FakeGalleries fake;
  private FakeServer server;
  private SiameseClient client;
  private Galleries galleries;

  @BeforeEach
  void start() throws IOException {
    fake = new FakeGalleries();
    server = new FakeServer(fake);
    RetryPolicy fast = new RetryPolicy(3, Duration.ofMillis(1), Duration.ofMillis(2));
    client = SiameseClient.builder(server.address()).retry(fast).token("secret").build();
    galleries = client.galleries();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static siamese.v1.Entry entry() {
    siamese.v1.Entry.Builder entry =
        siamese.v1.Entry.newBuilder()
            .setId("a")
            .setThing("cup")
            .putMetadata("k", "v")
            .setPictureSha256("s")
            .setModelDigest("d")
            .setThumbnailJpeg(ByteString.copyFromUtf8("T"))
            .setPicture(ByteString.copyFromUtf8("PP"));
    entry.getEnrolledBuilder().setSeconds(1_700_000_000).setNanos(5);
    entry.getFamiliarityBuilder().setValue(0.5f).setForeign(true);
    entry.getEmbeddingBuilder().addValues(1).addValues(2).setModelDigest("d");
    return entry.build();
  }

  private static void assertIsEntry(Entry entry) {
    assertEquals("a", entry.id());
    assertEquals("cup", entry.thing());
    assertEquals(Map.of("k", "v"), entry.metadata());
    assertEquals("s", entry.pictureSha256());
    assertEquals("d", entry.modelDigest());
    assertEquals(Instant.parse("2023-11-14T22:13:20.000000005Z"), entry.enrolled());
    assertEquals(Optional.of(new Familiarity(0.5f, true)), entry.familiarity());
    assertArrayEquals(new byte[] {'T'}, entry.thumbnail().orElseThrow().toByteArray());
    assertEquals(2, entry.picture().orElseThrow().size());
    assertArrayEquals(new float[] {1, 2}, entry.embedding().orElseThrow().values());
  }

  @Test
  void entryHasWhatWasAskedFor() {
    fake.entry = ENTRY;
    assertIsEntry(galleries.entry("g", "a", EntryPart.EMBEDDING, EntryPart.THUMBNAIL));
    GetEntryRequest want =
        GetEntryRequest.newBuilder()
            .setGallery("g")
            .setId("a")
            .setIncludeEmbedding(true)
            .setIncludeThumbnail(true)
            .build();
    assertEquals(List.of(want), fake.requests);
    assertEquals(List.of("Bearer secret"), server.tokens);
    fake.entry = siamese.v1.Entry.newBuilder().setId("b").build();
    Entry bare = galleries.entry("g", "b");
    assertTrue(bare.familiarity().isEmpty() && bare.thumbnail().isEmpty());
    assertTrue(bare.picture().isEmpty() && bare.embedding().isEmpty());
    assertThrows(UnsupportedOperationException.class, () -> bare.metadata().put("k", "w"));
  }

  @Test
  void aCallIsMadeAgain() {
    fake.failures.add(FakeServer.failure(Status.Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "", 1L));
    assertEquals(7, galleries.delete("g"));
    assertEquals(2, fake.requests.size());
    fake.failures.add(FakeServer.failure(Status.Code.NOT_FOUND, "GALLERY_NOT_FOUND", "gallery", null));
    SiameseException e = assertThrows(SiameseException.class, () -> galleries.delete("g"));
    assertEquals("GALLERY_NOT_FOUND", e.reason());
    assertEquals("gallery", e.field());
    assertEquals(3, fake.requests.size());
  }

  @Test
  void entriesAreThoseOfAllPages() {
    EntryListOptions options =
        EntryListOptions.DEFAULT
            .withFilter(Map.of("k", "v"))
            .withThing("cup")
            .withStaleOnly()
            .withThumbnails()
            .withPageSize(2);
    fake.failures.add(FakeServer.failure(Status.Code.UNAVAILABLE, "NOT_READY", "", 1L));
    assertEquals(List.of("a", "b", "c"), galleries.entries("g", options).map(Entry::id).toList());
    ListEntriesRequest want =
        ListEntriesRequest.newBuilder()
            .setGallery("g")
            .putFilter("k", "v")
            .setThing("cup")
            .setStaleOnly(true)
            .setIncludeThumbnails(true)
            .setPageSize(2)
            .build();
    List<ListEntriesRequest> all = new ArrayList<>();
    for (String token : List.of("", "", "second", "third")) {
      all.add(want.toBuilder().setPageToken(token).build());
    }
    assertEquals(all, fake.requests);
  }

  @Test
  void pagesAreAskedForAsTheyAreNeeded() {
    var entries = galleries.entries("g");
    assertTrue(fake.requests.isEmpty());
    assertEquals(2, entries.limit(2).count());
    assertEquals(1, fake.requests.size());
    EntryPage page = galleries.page("g", EntryListOptions.DEFAULT, "second");
    assertEquals(List.of(), page.entries());
    assertEquals(Optional.of("third"), page.nextToken());
    assertTrue(galleries.page("g", EntryListOptions.DEFAULT, "third").nextToken().isEmpty());
  }

  @Test
  void identificationIsTakenOver() {
    IdentifyResponse.Builder reply =
        IdentifyResponse.newBuilder().setThreshold(0.5f).setWarning("w").setSearchedEntries(9);
    reply.getModelBuilder().setName("n").setVersion("1").setDigest("d");
    reply.getFamiliarityBuilder().setValue(0.25f);
    reply.getTimingsBuilder().getTotalBuilder().setSeconds(2);
    reply.addMatchesBuilder().setThing("cup").setEntry(ENTRY).setSimilarity(0.75f).setSame(true);
    fake.identification = reply.build();
    IdentifyOptions options =
        IdentifyOptions.DEFAULT
            .withTopK(4)
            .withMinSimilarity(0.25f)
            .withFilter(Map.of("k", "v"))
            .withThreshold(0.5f)
            .withThumbnails();
    Embedding embedding = Embedding.of(new float[] {1}, "d");
    Identification found = galleries.identify("g", Image.embedding(embedding), options);
    assertEquals(0.5f, found.threshold());
    assertEquals(new ModelReference("n", "1", "d"), found.model());
    assertEquals(Optional.of(new Familiarity(0.25f, false)), found.familiarity());
    assertEquals("w", found.warning());
    assertEquals(Duration.ofSeconds(2), found.timings().total());
    assertEquals(9, found.searchedEntries());
    ThingMatch match = found.matches().get(0);
    assertEquals("cup 0.75 true", match.thing() + " " + match.similarity() + " " + match.same());
    assertIsEntry(match.entry());

    galleries.identify("g", null);
    IdentifyRequest first = (IdentifyRequest) fake.requests.get(0);
    assertEquals(
        IdentifyRequest.newBuilder()
            .setGallery("g")
            .setImage(siamese.v1.Image.newBuilder().setEmbedding(embedding.message()))
            .setTopK(4)
            .setMinSimilarity(0.25f)
            .putFilter("k", "v")
            .setThreshold(0.5f)
            .setIncludeThumbnails(true)
            .build(),
        first);
    assertFalse(((IdentifyRequest) fake.requests.get(1)).hasThreshold());
  }

  private static FindDuplicatesResponse group(String... ids) {
    FindDuplicatesResponse.Builder message = FindDuplicatesResponse.newBuilder();
    for (String id : ids) {
      message.getGroupBuilder().addEntriesBuilder().setSimilarity(0.9f).getEntryBuilder().setId(id);
    }
    message.getGroupBuilder().setOmittedEntries(3);
    return message.build();
  }

  private static FindDuplicatesResponse done() {
    FindDuplicatesResponse.Builder message = FindDuplicatesResponse.newBuilder();
    message.getDoneBuilder().setEntries(8).setGroups(2);
    return message.build();
  }

  @Test
  void groupsComeOneByOneAndThenTheirCounts() {
    fake.failures.add(FakeServer.failure(Status.Code.UNAVAILABLE, "NOT_READY", "", 1L));
    fake.duplicates.addAll(List.of(group("a", "b"), group("c"), done()));
    DuplicateOptions options =
        DuplicateOptions.DEFAULT.withThreshold(0.5f).withFilter(Map.of("k", "v")).withAcrossThings();
    try (DuplicateGroups groups = galleries.findDuplicates("g", options)) {
      DuplicateGroup first = groups.next();
      assertEquals(List.of("a", "b"), first.entries().stream().map(d -> d.entry().id()).toList());
      assertEquals(0.9f, first.entries().get(0).similarity());
      assertEquals(3, first.omittedEntries());
      assertTrue(groups.counts().isEmpty());
      assertTrue(groups.hasNext());
      assertEquals(1, groups.next().entries().size());
      assertFalse(groups.hasNext());
      assertEquals(Optional.of(new DuplicateCounts(8, 2)), groups.counts());
      assertThrows(NoSuchElementException.class, groups::next);
    }
    assertEquals(2, fake.requests.size());
  }

  @Test
  void groupsThatBreakOffAreNotAskedForAgain() {
    fake.duplicates.add(group("a", "b"));
    fake.failsAtEnd = FakeServer.failure(Status.Code.UNAVAILABLE, "DRAINING", "", 1L);
    try (DuplicateGroups groups = galleries.findDuplicates("g")) {
      groups.next();
      assertEquals("DRAINING", assertThrows(SiameseException.class, groups::hasNext).reason());
      assertFalse(groups.hasNext());
    }
    assertEquals(1, fake.requests.size());
  }

  @Test
  void groupsNeedAnEnd() {
    fake.duplicates.add(group("a", "b"));
    try (DuplicateGroups groups = galleries.findDuplicates("g")) {
      groups.next();
      SiameseException e = assertThrows(SiameseException.class, groups::hasNext);
      assertEquals(Status.Code.INTERNAL, e.code());
      assertTrue(groups.counts().isEmpty());
    }
    fake.duplicates.set(0, FindDuplicatesResponse.getDefaultInstance());
    try (DuplicateGroups groups = galleries.findDuplicates("g")) {
      assertThrows(SiameseException.class, groups::hasNext);
    }
  }

  @Test
  void closingEndsTheCall() throws InterruptedException {
    fake.duplicates.add(group("a", "b"));
    fake.hangs = true;
    DuplicateGroups groups = galleries.findDuplicates("g");
    groups.next();
    Thread closing = new Thread(groups::close);
    closing.start();
    assertFalse(groups.hasNext()); // waits, until the other thread closes it
    assertTrue(fake.cancelled.await(30, TimeUnit.SECONDS));
    closing.join();
  }

  @Test
  void aStreamHasItsOwnDeadline() {
    fake.hangs = true;
    Galleries hasty = galleries.withDeadline(Duration.ofMillis(300));
    try (DuplicateGroups groups = hasty.findDuplicates("g")) {
      SiameseException e = assertThrows(SiameseException.class, groups::hasNext);
      assertEquals(Status.Code.DEADLINE_EXCEEDED, e.code());
    }
  }

  @Test
  void reindexTellsUntilItIsDone() {
    fake.progress.add(ReindexResponse.newBuilder().setEncoded(1).setEntries(3).build());
    fake.progress.add(
        ReindexResponse.newBuilder()
            .setEncoded(2).setMissing(1).setEntries(3).setDone(true).addMissingIds("c").build());
    ReindexProgress last = new ReindexProgress(2, 1, 3, true, List.of("c"));
    try (Reindexing work = galleries.reindex("g")) {
      assertEquals(new ReindexProgress(1, 0, 3, false, List.of()), work.next());
      assertEquals(last, work.next());
      assertFalse(work.hasNext());
    }
    try (Reindexing work = galleries.reindex("g", "m")) {
      assertEquals(last, work.last());
      assertThrows(NoSuchElementException.class, work::last);
    }
    fake.progress.remove(1);
    try (Reindexing work = galleries.reindex("g")) {
      assertEquals(Status.Code.INTERNAL, assertThrows(SiameseException.class, work::last).code());
    }
  }

  @Test
  void argumentsAreChecked() {
    Image image = Image.encoded(new byte[1]);
    assertThrows(IllegalArgumentException.class, () -> galleries.withDeadline(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> IdentifyOptions.DEFAULT.withTopK(-1));
    assertThrows(IllegalArgumentException.class, () -> EntryListOptions.DEFAULT.withPageSize(-1));
    assertThrows(NullPointerException.class, () -> new NewEntry(null, image));
    assertThrows(NullPointerException.class, () -> new NewEntry("a", image).withThing(null));
    String half = "a\ud83d";
    assertThrows(IllegalArgumentException.class, () -> new NewEntry(half, image));
    assertThrows(
        IllegalArgumentException.class,
        () -> new NewEntry("a", image).withMetadata(Map.of("k", half)));
    assertThrows(IllegalArgumentException.class, () -> galleries.entry("g", half));
    assertThrows(
        IllegalArgumentException.class, () -> galleries.remove("g", List.of(), List.of(half)));
    assertTrue(fake.requests.isEmpty());
    assertEquals("\ud83d\ude00", new NewEntry("\ud83d\ude00", image).id());
  }
}
