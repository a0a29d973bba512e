package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import siamese.v1.BatchEnrollRequest;
import siamese.v1.EnrollRequest;

/** Enrolment, in a stream and in lists, against a service in this process. */
@Timeout(60)
class GalleriesEnrollTest {
  private FakeGalleries fake;
  private FakeServer server;
  private SiameseClient client;
  private Galleries galleries;

  @BeforeEach
  void start() throws IOException {
    fake = new FakeGalleries();
    server = new FakeServer(fake);
    RetryPolicy fast = new RetryPolicy(3, Duration.ofMillis(1), Duration.ofMillis(2));
    client = SiameseClient.builder(server.address()).retry(fast).build();
    galleries = client.galleries();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static NewEntry entry(int number, int... size) {
    byte[] bytes = new byte[size.length == 0 ? 1 : size[0]];
    bytes[0] = (byte) number;
    return new NewEntry("id" + number, Image.encoded(bytes));
  }

  private static List<NewEntry> entries(int count) {
    return IntStream.range(0, count).mapToObj(GalleriesEnrollTest::entry).toList();
  }

  private static List<String> ids(List<EnrollRequest> requests) {
    return requests.stream().filter(EnrollRequest::hasEntry).map(r -> r.getEntry().getId()).toList();
  }

  @Test
  void entriesGoInOneCall() {
    NewEntry full = entry(1).withThing("cup").withMetadata(Map.of("k", "v"));
    Enrollment kept =
        galleries.enroll("g", List.of(full, entry(255), entry(2), new NewEntry("u", null)).iterator());
    assertEquals(3, kept.added());
    assertEquals(2, kept.replaced());
    assertEquals(3, kept.unchanged());
    assertEquals(1, kept.failed());
    EnrollFailure failure = kept.failures().get(0);
    assertEquals("id255 at 1", failure.id() + " at " + failure.index());
    assertEquals("entry.image", failure.error().field());
    List<EnrollRequest> seen = fake.enrolls.get(0);
    assertEquals(EnrollRequest.newBuilder().setGallery("g").build(), seen.get(0));
    assertEquals(
        siamese.v1.NewEntry.newBuilder()
            .setId("id1").setThing("cup").putMetadata("k", "v").setImage(Image.message(entry(1).image()))
            .build(),
        seen.get(1).getEntry());
    assertEquals(List.of("id1", "id255", "id2", "u"), ids(seen));
  }

  @Test
  void noEntriesAreNone() {
    assertEquals(0, galleries.enroll("g", List.<NewEntry>of().iterator()).added());
    assertEquals(1, fake.enrolls.get(0).size());
  }

  @Test
  void whatIsTooLargeFailsAloneInItsPlace() {
    List<NewEntry> given =
        List.of(
            entry(100, 3000), entry(1), entry(101, 3000), entry(102, 3000),
            entry(255), entry(2), entry(103, 3000));
    Enrollment kept = galleries.enroll("g", given.iterator());
    assertEquals(2, kept.added());
    assertEquals(5, kept.failed());
    List<String> failures =
        kept.failures().stream().map(f -> f.index() + " " + f.id() + " " + f.error().code()).toList();
    assertEquals(
        List.of(
            "0 id100 RESOURCE_EXHAUSTED", "2 id101 RESOURCE_EXHAUSTED",
            "3 id102 RESOURCE_EXHAUSTED", "4 id255 INVALID_ARGUMENT", "6 id103 RESOURCE_EXHAUSTED"),
        failures);
    assertEquals(List.of("id1", "id255", "id2"), ids(fake.enrolls.get(0)));
  }

  @Test
  void theCallIsMadeAgainWithTheFirstEntry() {
    fake.enrollFailsAfter = 2; // the opening, and the one entry
    assertEquals(1, galleries.enroll("g", entries(1).iterator()).added());
    assertEquals(2, fake.enrolls.size());
    assertEquals(List.of("id0"), ids(fake.enrolls.get(1)));
  }

  @Test
  void theCallIsNotMadeAgainAfterTheSecondEntry() {
    fake.enrollFailsAfter = 3;
    SiameseException e =
        assertThrows(
            SiameseException.class, () -> galleries.enroll("g", entries(3).iterator()));
    assertEquals("NOT_READY", e.reason());
    assertEquals(1, fake.enrolls.size());
  }

  @Test
  void nothingIsTakenWhereNobodyListens() {
    server.close();
    AtomicInteger taken = new AtomicInteger();
    Iterator<NewEntry> given = entries(3).stream().peek(e -> taken.incrementAndGet()).iterator();
    SiameseException e =
        assertThrows(SiameseException.class, () -> galleries.enroll("g", given));
    assertEquals(Status.Code.UNAVAILABLE, e.code());
    assertEquals(0, taken.get());
  }

  private static Iterator<NewEntry> failsAfter(int count, RuntimeException failure) {
    Stream<NewEntry> last = Stream.<NewEntry>of((NewEntry) null).map(none -> { throw failure; });
    return Stream.concat(entries(count).stream(), last).iterator();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void whatTheIteratorThrowsIsThrown(int before) throws InterruptedException {
    RuntimeException own = new IllegalStateException("own");
    assertSame(
        own,
        assertThrows(
            IllegalStateException.class, () -> galleries.enroll("g", failsAfter(before, own))));
    assertTrue(fake.cancelled.await(30, TimeUnit.SECONDS));
    SiameseException another = SiameseException.plain(Status.Code.UNAVAILABLE, "own");
    assertSame(
        another,
        assertThrows(
            SiameseException.class, () -> galleries.enroll("g", failsAfter(before, another))));
    assertTrue(fake.enrolls.size() <= 2, fake.enrolls.toString());
  }

  @Test
  void nullIsNoEntry() {
    NullPointerException e =
        assertThrows(
            NullPointerException.class,
            () -> galleries.enroll("g", Arrays.asList(entry(1), null).iterator()));
    assertEquals("received null as entry 1, expected an entry", e.getMessage());
  }

  @Test
  void anAnswerBeforeTheEndIsNone() {
    fake.taking = FakeGalleries.Taking.ANSWERS_EARLY;
    Iterator<NewEntry> endless = Stream.generate(() -> entry(1)).iterator();
    SiameseException e =
        assertThrows(SiameseException.class, () -> galleries.enroll("g", endless));
    assertEquals(Status.Code.INTERNAL, e.code());
  }

  @Test
  void entriesAreTakenAsTheConnectionTakesThem() {
    fake.taking = FakeGalleries.Taking.READS_NOTHING;
    AtomicInteger taken = new AtomicInteger();
    int many = 20_000; // of 1,900 bytes: far more than any buffer on the way
    Iterator<NewEntry> given =
        Stream.generate(() -> entry(1, 1900)).limit(many).peek(e -> taken.incrementAndGet()).iterator();
    Galleries hasty = galleries.withDeadline(Duration.ofSeconds(2));
    SiameseException e = assertThrows(SiameseException.class, () -> hasty.enroll("g", given));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, e.code());
    assertTrue(taken.get() < many / 2, taken + " were taken");
  }

  @Test
  void interruptingEndsIt() {
    fake.taking = FakeGalleries.Taking.READS_NOTHING; // no answer comes
    Iterator<NewEntry> interrupting =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            Thread.currentThread().interrupt();
            return false;
          }

          @Override
          public NewEntry next() {
            throw new NoSuchElementException();
          }
        };
    SiameseException e =
        assertThrows(SiameseException.class, () -> galleries.enroll("g", interrupting));
    assertTrue(Thread.interrupted(), "the interruption was lost");
    assertEquals(Status.Code.CANCELLED, e.code());
  }

  @Test
  void aListIsSplitAndItsIndexesAreWhole() {
    List<NewEntry> given = new ArrayList<>(entries(6));
    given.set(1, entry(1, 3000));
    given.set(4, entry(255));
    BatchEnrollment kept = galleries.enrollBatch("g", given);
    List<List<String>> sent =
        fake.requests.stream()
            .map(r -> ((BatchEnrollRequest) r).getEntriesList().stream().map(e -> e.getId()).toList())
            .toList();
    assertEquals(
        List.of(List.of("id0"), List.of("id2", "id3", "id255"), List.of("id5")), sent);
    assertEquals(6, kept.results().size());
    EnrolledEntry good = kept.results().get(5).orThrow();
    assertEquals(EnrollStatus.REPLACED, good.status());
    assertEquals("w", good.warning());
    assertEquals("entries[1]", kept.results().get(1).error().orElseThrow().field());
    assertEquals("entries[4].image", kept.results().get(4).error().orElseThrow().field());
    assertEquals(Duration.ofSeconds(3), kept.timings().total());
  }

  @Test
  void aResultForEachEntryIsNeeded() {
    SiameseException e =
        assertThrows(SiameseException.class, () -> galleries.enrollBatch("short", entries(2)));
    assertEquals(Status.Code.INTERNAL, e.code());
    assertTrue(e.getMessage().contains("1 results of 2 entries"), e.getMessage());
  }
}
