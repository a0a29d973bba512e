package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Splitting, retry and errors, against a service in this process. */
class CallsTest {
  private static final RetryPolicy FAST =
      new RetryPolicy(3, Duration.ofMillis(1), Duration.ofMillis(2));
  private static final Image A = image(0);

  private FakeServer server;
  private SiameseClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = SiameseClient.builder(server.address()).retry(FAST).token("secret").build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static Image image(int first, int... size) {
    byte[] bytes = new byte[size.length == 0 ? 1 : size[0]];
    bytes[0] = (byte) first;
    return Image.encoded(bytes);
  }

  private static SiameseException error(ItemResult<?> result) {
    return result.error().orElseThrow();
  }

  @Test
  void tokenGoesWithEachCall() {
    client.compare(A, A);
    assertEquals(List.of("Bearer secret"), server.tokens);
    SiameseClientBuilder builder = SiameseClient.builder("localhost");
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> builder.token("two words"));
    assertTrue(!refused.getMessage().contains("two"), refused.getMessage());
  }

  @Test
  void repeatsWhereTheServerSaysWhen() {
    server.failures.add(FakeServer.failure(Status.Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "", 1L));
    server.failures.add(FakeServer.failure(Status.Code.UNAVAILABLE, "NOT_READY", "", null));
    assertEquals(0.42f, client.compare(A, image(42)).similarity());
    assertEquals(3, server.calls.get());
  }

  @Test
  void givesUpAfterTheLastAttempt() {
    for (int i = 0; i < 5; i++) {
      server.failures.add(FakeServer.failure(Status.Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "", 1L));
    }
    SiameseException e = assertThrows(SiameseException.class, () -> client.compare(A, A));
    assertEquals("QUEUE_FULL", e.reason());
    assertEquals(Map.of("limit", "7"), e.metadata());
    assertEquals(Duration.ofMillis(1), e.retryDelay().orElseThrow());
    assertEquals(3, server.calls.get());
  }

  @Test
  void doesNotRepeatWhatStaysWrong() {
    server.failures.add(
        FakeServer.failure(Status.Code.INVALID_ARGUMENT, "IMAGE_UNSET", "image_a", null));
    SiameseException e = assertThrows(SiameseException.class, () -> client.compare(null, A));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
    assertEquals("image_a", e.field());
    assertEquals("IMAGE_UNSET (image_a): as told", e.getMessage());
    assertEquals(1, server.calls.get());
  }

  @Test
  void doesNotWaitBeyondTheDeadline() {
    server.failures.add(FakeServer.failure(Status.Code.RESOURCE_EXHAUSTED, "QUEUE_FULL", "", 900L));
    CompareOptions options = CompareOptions.DEFAULT.withDeadline(Duration.ofMillis(800));
    SiameseException e = assertThrows(SiameseException.class, () -> client.compare(A, A, options));
    assertEquals("QUEUE_FULL", e.reason());
    assertEquals(1, server.calls.get());
  }

  @Test
  void retryCanBeSwitchedOff() {
    server.failures.add(FakeServer.failure(Status.Code.UNAVAILABLE, "NOT_READY", "", 1L));
    try (SiameseClient once =
        SiameseClient.builder(server.address()).retry(RetryPolicy.NONE).build()) {
      assertThrows(SiameseException.class, () -> once.compare(A, A));
    }
    assertEquals(1, server.calls.get());
  }

  @Test
  void batchIsSplitByCountAndItsIndexesAreWhole() {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      pairs.add(new Pair(A, image(i == 4 ? 255 : i)));
    }
    BatchComparison batch = client.batch(pairs);
    assertEquals(List.of(3, 3, 2), server.sizes);
    assertEquals(8, batch.results().size());
    assertEquals(0.07f, batch.results().get(7).orThrow().similarity());
    assertEquals("pairs[4].image_b", error(batch.results().get(4)).field());
    assertEquals(3, batch.encodedImages());
    SiameseException thrown =
        assertThrows(SiameseException.class, () -> batch.results().get(4).orThrow());
    assertEquals("IMAGE_UNDECODABLE", thrown.reason());
  }

  @Test
  void batchIsSplitByBytesAndOneTooLargeFailsAlone() {
    List<Pair> pairs =
        List.of(
            new Pair(A, image(1, 900)),
            new Pair(A, image(2, 1050)),
            new Pair(A, image(3, 4000)),
            new Pair(A, image(4)));
    BatchComparison batch = client.batch(pairs);
    assertEquals(List.of(2, 1), server.sizes);
    SiameseException tooLarge = error(batch.results().get(2));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, tooLarge.code());
    assertEquals("pairs[2]", tooLarge.field());
    assertEquals(0.04f, batch.results().get(3).orThrow().similarity());
    client.batch(List.of(new Pair(A, image(1, 900)), new Pair(A, image(2, 1090))));
    assertEquals(List.of(2, 1, 1, 1), server.sizes);
  }

  @Test
  void errorOfALaterPartNamesTheWholeListsIndex() {
    FakeServer failing = server;
    failing.failures.add(FakeServer.failure(Status.Code.UNAVAILABLE, "NOT_READY", "", null));
    List<Image> images = new ArrayList<>(List.of(A, A, A));
    client.embed(images); // used up the failure, and the limits are known
    images.addAll(List.of(A, image(255)));
    assertEquals("images[4]", error(client.embed(images).results().get(4)).field());
    assertEquals("candidates[1]", Fields.shift("candidates[1]", "pairs", 64));
    assertEquals("pairs[65].image_a", Fields.shift("pairs[1].image_a", "pairs", 64));
    assertEquals("options.threshold", Fields.shift("options.threshold", "pairs", 64));
  }

  @Test
  void rankIsMerged() {
    List<Image> candidates =
        List.of(image(10), image(90), image(255), image(90), image(20), image(95), image(255));
    Ranking ranking = client.rank(A, candidates, RankOptions.DEFAULT.withTopK(3));
    assertEquals(List.of(5, 1, 3), ranking.matches().stream().map(Match::index).toList());
    assertEquals(List.of(2, 6), List.copyOf(ranking.failed().keySet()));
    assertEquals("candidates[6]", ranking.failed().get(6).field());
    assertEquals(List.of(3, 3, 1), server.sizes);
    assertEquals(3, server.rankings.get(0).getTopK());
    assertEquals(6, client.rank(A, candidates.subList(0, 6)).matches().size() + 1);
  }

  @Test
  void nullAndEmptyListsAreTheServersToRefuse() {
    client.batch(Arrays.asList(new Pair(null, A)));
    client.batch(List.of());
    assertEquals(List.of(1, 0), server.sizes);
  }

  @Test
  void nobodyListens() {
    server.close();
    SiameseException e = assertThrows(SiameseException.class, () -> client.compare(A, A));
    assertEquals(Status.Code.UNAVAILABLE, e.code());
    assertEquals("", e.reason());
  }

  @Test
  void optionsAreChecked() {
    assertThrows(
        IllegalArgumentException.class, () -> CompareOptions.DEFAULT.withDeadline(Duration.ZERO));
    assertThrows(IllegalArgumentException.class, () -> RankOptions.DEFAULT.withTopK(-1));
    assertThrows(IllegalArgumentException.class, () -> StreamOptions.DEFAULT.withWindow(-1));
    assertThrows(
        IllegalArgumentException.class,
        () -> new RetryPolicy(0, Duration.ofMillis(1), Duration.ofMillis(1)));
  }
}
