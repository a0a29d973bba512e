package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams against a service in this process. */
@Timeout(60)
class StreamTest {
  private static final Map<String, Image> REFERENCES = Map.of("cup", image(1));

  private FakeStreamServer server;
  private SiameseClient client;

  @BeforeEach
  void start() throws IOException {
    server = new FakeStreamServer();
    RetryPolicy fast = new RetryPolicy(3, Duration.ofMillis(1), Duration.ofMillis(2));
    client = SiameseClient.builder(server.address()).retry(fast).build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static Image image(int first) {
    return Image.encoded(new byte[] {(byte) first});
  }

  private static List<Image> images(int... firsts) {
    return java.util.Arrays.stream(firsts).mapToObj(StreamTest::image).toList();
  }

  private static String word(FrameResult result) {
    String outcome =
        result.dropped()
            ? "dropped"
            : result.error().map(SiameseException::reason).orElseGet(
                () -> "%.2f".formatted(result.scores().orElseThrow().scores().get(0).similarity()));
    return result.id() + " " + outcome;
  }

  private List<String> run(List<Image> frames, StreamOptions options) {
    List<String> words = new ArrayList<>();
    try (FrameResults results = client.stream(REFERENCES, frames.iterator(), options)) {
      results.forEachRemaining(result -> words.add(word(result)));
      assertFalse(results.hasNext());
    }
    return words;
  }

  @Test
  void eachFrameHasItsResultInOrder() {
    List<String> words = run(images(10, 255, 200, 20), StreamOptions.DEFAULT.withWindow(2));
    assertEquals(List.of("0 0.10", "1 IMAGE_UNDECODABLE", "2 dropped", "3 0.20"), words);
    assertEquals(1, server.streams.get());
  }

  @Test
  void opensAgainWhereTheServerBreaksOff() {
    server.breakAfter = 2;
    List<String> words = run(images(1, 2, 3, 4, 5), StreamOptions.DEFAULT.withWindow(3));
    assertEquals(List.of("0 0.01", "1 0.02", "2 0.03", "3 0.04", "4 0.05"), words);
    assertEquals(2, server.streams.get());
  }

  @Test
  void movesOnWhereTheServerDrains() {
    server.drainAfter = 2;
    List<String> words = run(images(1, 2, 3, 4, 5, 6, 7, 8), StreamOptions.DEFAULT.withWindow(1));
    assertEquals(8, words.size());
    assertEquals("7 0.08", words.get(7));
    assertEquals(2, server.streams.get());
  }

  @Test
  void doesNotOpenAgainWhereThatIsSwitchedOff() {
    server.breakAfter = 1;
    try (SiameseClient once =
            SiameseClient.builder(server.address()).retry(RetryPolicy.NONE).build();
        FrameResults results =
            once.stream(REFERENCES, images(1, 2).iterator(), StreamOptions.DEFAULT)) {
      assertEquals("0 0.01", word(results.next()));
      SiameseException e = assertThrows(SiameseException.class, results::next);
      assertEquals("DRAINING", e.reason());
    }
  }

  @Test
  void badReferenceIsThrown() {
    Map<String, Image> bad = Map.of("cup", image(255));
    SiameseException e =
        assertThrows(
            SiameseException.class,
            () -> client.stream(bad, images(1).iterator(), StreamOptions.DEFAULT));
    assertEquals("set_reference.image", e.field());
  }

  @Test
  void whatTheIteratorThrowsComesAfterTheResults() {
    Iterator<Image> frames = images(1, 2).iterator();
    Iterator<Image> breaking =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public Image next() {
            return frames.next();
          }
        };
    try (FrameResults results = client.stream(REFERENCES, breaking, StreamOptions.DEFAULT)) {
      assertEquals("0 0.01", word(results.next()));
      assertEquals("1 0.02", word(results.next()));
      assertThrows(java.util.NoSuchElementException.class, results::hasNext);
    }
  }

  @Test
  void sendingWaitsForTheWindow() {
    AtomicInteger taken = new AtomicInteger();
    Iterator<Image> counting =
        images(1, 2, 3, 4, 5, 6).stream().peek(frame -> taken.incrementAndGet()).iterator();
    try (FrameResults results =
        client.stream(REFERENCES, counting, StreamOptions.DEFAULT.withWindow(2))) {
      for (int received = 0; results.hasNext(); received++) {
        // hasNext has taken a result: two may be under way behind it, and one waits in send.
        assertTrue(taken.get() <= received + 4, taken.get() + " taken after " + received);
        results.next();
      }
    }
    assertEquals(6, taken.get());
  }

  @Test
  void oneThreadSendsAndReceives() {
    StreamOptions live = StreamOptions.DEFAULT.withDropPolicy(StreamOptions.DropPolicy.LATEST);
    try (CompareStream stream = client.openStream(live)) {
      stream.setReference("cup", image(1));
      assertEquals(0, stream.send(image(5)));
      assertEquals(1, stream.send(image(200)));
      stream.setReference("mug", image(1)); // answered between results
      assertEquals("0 0.05", word(stream.receive().orElseThrow()));
      assertTrue(stream.receive().orElseThrow().dropped());
      stream.finish();
      assertTrue(stream.receive().isEmpty());
      assertThrows(RuntimeException.class, () -> stream.send(image(1)));
    }
  }

  @Test
  void closeEndsWhatWaits() throws InterruptedException {
    CompareStream stream = client.openStream(StreamOptions.DEFAULT);
    AtomicInteger cancelled = new AtomicInteger();
    Thread waiting =
        new Thread(
            () -> {
              SiameseException e = assertThrows(SiameseException.class, stream::receive);
              cancelled.set(e.code() == Status.Code.CANCELLED ? 1 : 2);
            });
    waiting.start();
    stream.close();
    waiting.join();
    assertEquals(1, cancelled.get());
  }
}
