package siamese.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every call against a real server process. */
@Timeout(180)
class RealServerTest {
  private static final Path PHOTOS = Path.of("../../testdata/photos");
  // Two servers encode in batches of their own, which round in their own way.
  private static final float ROUNDING = 1e-4f;

  @TempDir static Path folder;
  private static RealServer server;
  private static SiameseClient client;
  private static Image cat;
  private static Image copy;
  private static Image hills;
  private static final Image TEXT = Image.encoded("no picture".getBytes(java.nio.charset.StandardCharsets.UTF_8));

  @BeforeAll
  static void start() throws Exception {
    server = new RealServer(folder);
    client = SiameseClient.connect(server.address());
    cat = Image.file(PHOTOS.resolve("cat.jpg"));
    copy = Image.file(PHOTOS.resolve("cat_copy.jpg"));
    hills = Image.file(PHOTOS.resolve("hills.jpg"));
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
      server.close();
    }
  }

  @Test
  void compares() throws IOException {
    Comparison alike = client.compare(cat, copy, CompareOptions.DEFAULT.withPrepared());
    Comparison unlike = client.compare(cat, hills);
    assertTrue(alike.same(), alike.toString());
    assertFalse(unlike.same(), unlike.toString());
    assertTrue(alike.similarity() > unlike.similarity());
    ModelInfo model = client.info().model();
    assertEquals(model.reference(), alike.score().model());
    assertEquals(model.threshold(), alike.threshold());
    var picture = alike.score().preparedA().orElseThrow().toBufferedImage();
    assertEquals(model.inputWidth(), picture.getWidth());
    assertTrue(unlike.score().preparedA().isEmpty());
  }

  @Test
  void everyFormOfAnImageIsTheSameImage() throws IOException {
    Path png = Path.of("../../testdata/photos/marble.png");
    float want = client.compare(Image.file(png), cat).similarity();
    // Lossless and without profile, so that Java's pixels are those that the server decodes.
    assertEquals(want, client.compare(Image.of(ImageIO.read(png.toFile())), cat).similarity());
    Embedding embedding = client.embed(List.of(Image.file(png))).results().get(0).orThrow().embedding();
    assertEquals(want, client.compare(Image.embedding(embedding), cat).similarity());
    Embedding kept = Embedding.of(embedding.values(), embedding.modelDigest());
    assertEquals(want, client.compare(Image.embedding(kept), cat).similarity());
  }

  @Test
  void longListsAreSplit() {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      pairs.add(new Pair(cat, i == 100 ? TEXT : i % 2 == 0 ? copy : hills));
    }
    BatchComparison batch = client.batch(pairs);
    assertEquals(150, batch.results().size());
    SiameseException bad = batch.results().get(100).error().orElseThrow();
    assertEquals("pairs[100].image_b", bad.field());
    assertEquals(Status.Code.INVALID_ARGUMENT, bad.code());
    float alike = client.compare(cat, copy).similarity();
    assertEquals(alike, batch.results().get(0).orThrow().similarity());
    assertEquals(alike, batch.results().get(148).orThrow().similarity());
  }

  @Test
  void ranks() {
    List<Image> candidates = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      candidates.add(i == 290 ? copy : i == 10 ? TEXT : hills);
    }
    Ranking ranking = client.rank(cat, candidates, RankOptions.DEFAULT.withTopK(2));
    assertEquals(2, ranking.matches().size());
    assertEquals(290, ranking.matches().get(0).index());
    assertFalse(ranking.matches().get(1).same());
    assertEquals("candidates[10]", ranking.failed().get(10).field());
  }

  @Test
  void errorsSayWhat() {
    SiameseException bad =
        assertThrows(SiameseException.class, () -> client.compare(cat, TEXT));
    assertEquals("image_b", bad.field());
    assertFalse(bad.reason().isEmpty());
    CompareOptions nowhere = CompareOptions.DEFAULT.withModel("nowhere");
    SiameseException missing =
        assertThrows(SiameseException.class, () -> client.compare(cat, copy, nowhere));
    assertEquals("MODEL_NOT_FOUND", missing.reason());
    assertEquals(Status.Code.NOT_FOUND, missing.code());
    SiameseException empty = assertThrows(SiameseException.class, () -> client.batch(List.of()));
    assertEquals("NO_ITEMS", empty.reason());
  }

  @Test
  void tellsOfItself() {
    ServerInfo info = client.info("omniglot");
    assertEquals("omniglot", info.model().servingName());
    assertEquals(2, info.models().size());
    assertTrue(info.limits().maxPairs() > 0);
    assertTrue(client.isServing());
    assertTrue(client.isServing("omniglot"));
    SiameseException e = assertThrows(SiameseException.class, () -> client.isServing("nowhere"));
    assertEquals(Status.Code.NOT_FOUND, e.code());
  }

  @Test
  void streams() {
    Map<String, Image> references = new LinkedHashMap<>();
    references.put("hills", hills);
    references.put("cat", cat);
    List<FrameResult> results = new ArrayList<>();
    try (FrameResults stream =
        client.stream(
            references, List.of(copy, TEXT, hills).iterator(), StreamOptions.DEFAULT.withWindow(2))) {
      stream.forEachRemaining(results::add);
    }
    assertEquals(3, results.size());
    List<ReferenceScore> scores = results.get(0).scores().orElseThrow().scores();
    assertEquals(List.of("hills", "cat"), scores.stream().map(ReferenceScore::reference).toList());
    assertEquals(client.compare(copy, cat).similarity(), scores.get(1).similarity());
    assertEquals(Status.Code.INVALID_ARGUMENT, results.get(1).error().orElseThrow().code());
    assertTrue(results.get(2).scores().orElseThrow().scores().get(0).same());
  }

  @Test
  void unixSocket(@TempDir Path own) throws Exception {
    String address = "unix:" + own.resolve("s.sock");
    try (RealServer local = new RealServer(own, "--addr=" + address, "--galleries=off");
        SiameseClient other = SiameseClient.connect(local.address())) {
      assertTrue(other.compare(cat, copy).same());
      assertArrayEquals(
          values(client.embed(List.of(cat))), values(other.embed(List.of(cat))), ROUNDING);
      assertFalse(other.info().galleries());
      SiameseException off =
          assertThrows(SiameseException.class, () -> other.galleries().list());
      assertEquals("GALLERIES_OFF", off.reason());
    }
  }

  private static float[] values(Embeddings embeddings) {
    return embeddings.results().get(0).orThrow().embedding().values();
  }

  @Test
  void tlsAndToken(@TempDir Path own) throws Exception {
    Credentials.make(own);
    try (RealServer safe =
            new RealServer(
                own,
                "--tls-cert=" + own.resolve("cert.pem"),
                "--tls-key=" + own.resolve("key.pem"),
                "--tls-client-ca=" + own.resolve("cert.pem"),
                "--tokens=" + own.resolve("tokens"));
        SiameseClient trusted = builder(safe, own).token(Credentials.TOKEN).build();
        SiameseClient nameless = builder(safe, own).build()) {
      assertTrue(trusted.compare(cat, copy).same());
      SiameseException e = assertThrows(SiameseException.class, () -> nameless.compare(cat, copy));
      assertEquals(Status.Code.UNAUTHENTICATED, e.code());
    }
  }

  private static SiameseClientBuilder builder(RealServer server, Path folder) throws IOException {
    return SiameseClient.builder("https://" + server.address())
        .trust(folder.resolve("cert.pem"))
        .clientCertificate(folder.resolve("cert.pem"), folder.resolve("key.pem"))
        .serverName("localhost");
  }
}
