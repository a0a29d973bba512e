package siamese.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every call of galleries against a real server process. */
@Timeout(180)
class RealGalleriesTest {
  private static final Path PHOTOS = Path.of("../../testdata/photos");
  private static final Image TEXT =
      Image.encoded("no picture".getBytes(StandardCharsets.UTF_8));
  private static final String SHELF = "shelf";

  @TempDir static Path folder;
  private static RealServer server;
  private static SiameseClient client;
  private static Galleries galleries;

  @BeforeAll
  static void start() throws Exception {
    server = new RealServer(folder);
    client = SiameseClient.connect(server.address());
    galleries = client.galleries();
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
      server.close();
    }
  }

  @BeforeEach
  void create() {
    galleries.create(
        SHELF, GalleryOptions.DEFAULT.withModel("general").withPictures().withThumbnails());
  }

  @AfterEach
  void delete() {
    galleries.delete(SHELF);
  }

  private static NewEntry photo(String name) throws IOException {
    return new NewEntry(name, Image.file(PHOTOS.resolve(name)));
  }

  private static void enrollFour() throws IOException {
    galleries.enrollBatch(
        SHELF,
        List.of(
            photo("cat.jpg").withThing("cat").withMetadata(Map.of("from", "garden", "kind", "pet")),
            photo("cat_copy.jpg").withThing("cat"),
            photo("hills.jpg").withMetadata(Map.of("from", "road")),
            photo("marble.png")));
  }

  @Test
  void galleriesThemselves() {
    assertTrue(client.info().galleries());
    Gallery shelf = galleries.get(SHELF);
    assertEquals(SHELF, shelf.name());
    assertEquals("general", shelf.model());
    assertEquals(client.info("general").model().reference(), shelf.reference());
    assertTrue(shelf.keepPictures() && shelf.keepThumbnails() && !shelf.reindexing());
    assertEquals(0, shelf.entries() + shelf.staleEntries());
    assertTrue(shelf.created().isAfter(Instant.now().minusSeconds(600)), shelf.toString());
    SiameseException exists =
        assertThrows(SiameseException.class, () -> galleries.create(SHELF));
    assertEquals("GALLERY_EXISTS", exists.reason());
    Gallery another = galleries.create("another");
    assertFalse(another.keepPictures());
    assertEquals(List.of("another", SHELF), galleries.list().stream().map(Gallery::name).toList());
    assertEquals(0, galleries.delete("another"));
    SiameseException gone =
        assertThrows(SiameseException.class, () -> galleries.get("another"));
    assertEquals("GALLERY_NOT_FOUND", gone.reason());
    assertEquals(Status.Code.NOT_FOUND, gone.code());
  }

  @Test
  void enrollsIdentifiesAndRemoves() throws IOException {
    enrollFour();
    Image copy = Image.file(PHOTOS.resolve("cat_copy.jpg"));
    Image cat = Image.file(PHOTOS.resolve("cat.jpg"));
    Identification found =
        galleries.identify(SHELF, copy, IdentifyOptions.DEFAULT.withTopK(2).withThumbnails());
    ThingMatch best = found.matches().get(0);
    assertEquals("cat", best.thing());
    assertEquals("cat_copy.jpg", best.entry().id());
    assertTrue(best.same());
    assertEquals(4, found.searchedEntries());
    assertEquals(2, found.matches().size());
    assertTrue(best.entry().thumbnail().isPresent());

    IdentifyOptions garden = IdentifyOptions.DEFAULT.withFilter(Map.of("from", "garden"));
    ThingMatch only = galleries.identify(SHELF, copy, garden).matches().get(0);
    assertEquals("cat.jpg", only.entry().id());
    CompareOptions general = CompareOptions.DEFAULT.withModel("general");
    assertEquals(client.compare(copy, cat, general).similarity(), only.similarity());

    Embedding embedding =
        client.embed(List.of(copy), general).results().get(0).orThrow().embedding();
    Identification again = galleries.identify(SHELF, Image.embedding(embedding), garden);
    assertEquals(only.similarity(), again.matches().get(0).similarity());
    IdentifyOptions road = garden.withMinSimilarity(1).withFilter(Map.of("from", "road"));
    assertEquals(List.of(), galleries.identify(SHELF, copy, road).matches());

    assertEquals(3, galleries.remove(SHELF, List.of("hills.jpg", "none"), List.of("cat")));
    assertEquals(1, galleries.get(SHELF).entries());
  }

  @Test
  void aStreamOfEntries() throws IOException {
    List<NewEntry> given = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      given.add(
          new NewEntry("n" + i, i == 130 ? TEXT : Image.file(PHOTOS.resolve("hills.jpg"))));
    }
    Enrollment kept = galleries.enroll(SHELF, given.iterator());
    assertEquals("199 0 0 1", counts(kept));
    EnrollFailure failure = kept.failures().get(0);
    assertEquals("n130 130", failure.id() + " " + failure.index());
    assertEquals(Status.Code.INVALID_ARGUMENT, failure.error().code());
    assertEquals(199, galleries.get(SHELF).entries());

    List<NewEntry> changed = List.of(given.get(0), given.get(1).withThing("hill"));
    assertEquals("0 1 1 0", counts(galleries.enroll(SHELF, changed.iterator())));
    SiameseException nowhere =
        assertThrows(
            SiameseException.class, () -> galleries.enroll("nowhere", given.iterator()));
    assertEquals("GALLERY_NOT_FOUND", nowhere.reason());
  }

  private static String counts(Enrollment kept) {
    return "%d %d %d %d"
        .formatted(kept.added(), kept.replaced(), kept.unchanged(), kept.failed());
  }

  @Test
  void aLongListOfEntries() throws IOException {
    int many = client.info().limits().maxImages() + 5;
    Image hills = Image.file(PHOTOS.resolve("hills.jpg"));
    List<NewEntry> given = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      given.add(new NewEntry("n" + i, i == many - 2 ? TEXT : hills));
    }
    BatchEnrollment kept = galleries.enrollBatch(SHELF, given);
    assertEquals(many, kept.results().size());
    assertEquals(EnrollStatus.ADDED, kept.results().get(many - 1).orThrow().status());
    assertEquals(
        "entries[" + (many - 2) + "].image", kept.results().get(many - 2).error().orElseThrow().field());
    assertEquals(many - 1, galleries.get(SHELF).entries());
    SiameseException none =
        assertThrows(SiameseException.class, () -> galleries.enrollBatch(SHELF, List.of()));
    assertEquals("NO_ITEMS", none.reason());
  }

  @Test
  void entriesAndTheirParts() throws IOException {
    enrollFour();
    assertEquals(
        List.of("cat.jpg", "cat_copy.jpg", "hills.jpg", "marble.png"),
        galleries.entries(SHELF, EntryListOptions.DEFAULT.withPageSize(1)).map(Entry::id).toList());
    EntryListOptions cats = EntryListOptions.DEFAULT.withThing("cat").withThumbnails();
    assertEquals(2, galleries.entries(SHELF, cats).filter(e -> e.thumbnail().isPresent()).count());
    EntryListOptions garden = EntryListOptions.DEFAULT.withFilter(Map.of("from", "garden"));
    Entry listed = galleries.entries(SHELF, garden).findFirst().orElseThrow();
    assertEquals(Map.of("from", "garden", "kind", "pet"), listed.metadata());
    assertEquals(0, galleries.entries(SHELF, EntryListOptions.DEFAULT.withStaleOnly()).count());
    EntryPage page = galleries.page(SHELF, EntryListOptions.DEFAULT.withPageSize(3), "");
    assertEquals(3, page.entries().size());
    Optional<String> next = page.nextToken();
    SiameseException other =
        assertThrows(SiameseException.class, () -> galleries.page(SHELF, garden, next.orElseThrow()));
    assertEquals("PAGE_TOKEN", other.reason());

    Entry marble = galleries.entry(SHELF, "marble.png", EntryPart.values());
    byte[] file = Files.readAllBytes(PHOTOS.resolve("marble.png"));
    KeptPicture picture = marble.picture().orElseThrow();
    assertArrayEquals(file, picture.toByteArray());
    picture.write(folder.resolve("written.png"));
    assertArrayEquals(file, Files.readAllBytes(folder.resolve("written.png")));
    BufferedImage whole = ImageIO.read(PHOTOS.resolve("marble.png").toFile());
    assertEquals(whole.getWidth(), picture.toBufferedImage().getWidth());
    BufferedImage thumbnail = marble.thumbnail().orElseThrow().toBufferedImage();
    assertEquals(Math.min(160, longer(whole)), longer(thumbnail));
    Embedding embedding = marble.embedding().orElseThrow();
    assertEquals(marble.modelDigest(), embedding.modelDigest());
    CompareOptions general = CompareOptions.DEFAULT.withModel("general");
    assertEquals(
        client.compare(picture.toImage(), picture.toImage(), general).similarity(),
        client.compare(picture.toImage(), Image.embedding(embedding), general).similarity());
    SiameseException none =
        assertThrows(SiameseException.class, () -> galleries.entry(SHELF, "none"));
    assertEquals("ENTRY_NOT_FOUND", none.reason());
  }

  private static int longer(BufferedImage picture) {
    return Math.max(picture.getWidth(), picture.getHeight());
  }

  @Test
  void duplicatesAndReindex() throws IOException {
    enrollFour();
    try (DuplicateGroups groups = galleries.findDuplicates(SHELF)) {
      List<String> ids =
          groups.next().entries().stream().map(one -> one.entry().id()).sorted().toList();
      assertEquals(List.of("cat.jpg", "cat_copy.jpg"), ids);
      assertFalse(groups.hasNext());
      assertEquals(Optional.of(new DuplicateCounts(4, 1)), groups.counts());
    }
    DuplicateOptions across = DuplicateOptions.DEFAULT.withAcrossThings();
    try (DuplicateGroups groups = galleries.findDuplicates(SHELF, across)) {
      assertFalse(groups.hasNext());
    }
    try (DuplicateGroups groups =
        galleries.findDuplicates(SHELF, DuplicateOptions.DEFAULT.withThreshold(2))) {
      assertEquals("THRESHOLD_RANGE", assertThrows(SiameseException.class, groups::hasNext).reason());
    }
    try (Reindexing work = galleries.reindex(SHELF, "omniglot")) {
      ReindexProgress last = work.last();
      assertEquals(new ReindexProgress(4, 0, 4, true, List.of()), last);
    }
    assertEquals("omniglot", galleries.get(SHELF).model());
  }
}
