package siamese.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.ByteString;
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import siamese.v1.PixelFormat;

/** The runner of testdata/conformance: every case by this client, one line of JSON each. */
final class Conformance {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private final SiameseClient client;
  private final Path folder;

  private Conformance(SiameseClient client, Path folder) {
    this.client = client;
    this.folder = folder;
  }

  /**
   * Runs the cases.
   *
   * @param args the server's address and the file of cases
   */
  public static void main(String[] args) throws Exception {
    Path cases = Path.of(args[1]).toAbsolutePath();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try (SiameseClient client = SiameseClient.connect(args[0])) {
      Conformance runner = new Conformance(client, cases.getParent());
      JsonArray all = JsonParser.parseString(Files.readString(cases)).getAsJsonArray();
      for (JsonElement one : all) {
        out.println(GSON.toJson(runner.run(one.getAsJsonObject())));
      }
    }
  }

  private JsonObject run(JsonObject one) throws IOException {
    JsonObject line = new JsonObject();
    line.add("case", one.get("case"));
    try {
      JsonArray results = new JsonArray();
      call(one).forEach(results::add);
      line.add("results", results);
    } catch (SiameseException e) {
      line.addProperty("error", words(e));
    }
    return line;
  }

  private List<String> call(JsonObject one) throws IOException {
    return switch (one.get("call").getAsString()) {
      case "compare" -> {
        Comparison c = client.compare(image(one.get("a")), image(one.get("b")), options(one));
        yield List.of(score(c.score()));
      }
      case "batch" -> batch(one);
      case "rank" -> rank(one);
      case "embed" -> embed(one);
      case "stream" -> stream(one);
      case "info" -> info(one);
      case "gallery" -> new ConformanceGalleries(client.galleries(), this::image).run(one);
      default -> throw new IOException("received the call " + one.get("call") + ", expected a known one");
    };
  }

  private List<String> batch(JsonObject one) throws IOException {
    List<Pair> pairs = new ArrayList<>();
    for (JsonElement pair : one.getAsJsonArray("pairs")) {
      JsonArray two = pair.getAsJsonArray();
      pairs.add(new Pair(image(two.get(0)), image(two.get(1))));
    }
    return client.batch(pairs, options(one)).results().stream()
        .map(r -> r.value().map(Conformance::score).orElseGet(() -> words(r.error().orElseThrow())))
        .toList();
  }

  private List<String> rank(JsonObject one) throws IOException {
    RankOptions options = RankOptions.DEFAULT.withCompare(options(one));
    if (one.has("top_k")) {
      options = options.withTopK(one.get("top_k").getAsInt());
    }
    if (one.has("min_similarity")) {
      options = options.withMinSimilarity(one.get("min_similarity").getAsFloat());
    }
    Ranking ranking = client.rank(image(one.get("query")), images(one, "candidates"), options);
    List<String> lines = new ArrayList<>();
    for (Match match : ranking.matches()) {
      lines.add(match.index() + " " + digits(match.similarity()) + verdict(match.same()));
    }
    ranking.failed().forEach((index, error) -> lines.add(index + " " + words(error)));
    return lines;
  }

  private List<String> embed(JsonObject one) throws IOException {
    return client.embed(images(one, "images"), options(one)).results().stream()
        .map(
            r ->
                r.value()
                    .map(e -> words(e.embedding()))
                    .orElseGet(() -> words(r.error().orElseThrow())))
        .toList();
  }

  private List<String> stream(JsonObject one) throws IOException {
    List<String> lines = new ArrayList<>();
    StreamOptions options = StreamOptions.DEFAULT.withWindow(1).withCompare(options(one));
    try (CompareStream stream = client.openStream(options)) {
      for (Map.Entry<String, JsonElement> reference :
          new TreeMap<>(one.getAsJsonObject("references").asMap()).entrySet()) {
        String outcome = "ok";
        try {
          stream.setReference(reference.getKey(), image(reference.getValue()));
        } catch (SiameseException e) {
          outcome = words(e);
        }
        lines.add(reference.getKey() + " " + outcome);
      }
      for (Image frame : images(one, "frames")) {
        stream.send(frame);
        lines.add(frame(stream.receive().orElseThrow()));
      }
    }
    return lines;
  }

  private static String frame(FrameResult result) {
    return result.error().map(Conformance::words).orElseGet(
        () ->
            String.join(
                " ",
                result.scores().orElseThrow().scores().stream()
                    .map(s -> s.reference() + "=" + digits(s.similarity()))
                    .sorted()
                    .toList()));
  }

  private List<String> info(JsonObject one) {
    ServerInfo info = client.info(one.has("model") ? one.get("model").getAsString() : "");
    ModelReference model = info.model().reference();
    List<String> lines = new ArrayList<>();
    lines.add(model.name() + " " + model.digest() + " " + info.model().embeddingLength());
    info.models().forEach(served -> lines.add(served.reference().name()));
    return lines;
  }

  private static CompareOptions options(JsonObject one) {
    CompareOptions options = CompareOptions.DEFAULT;
    if (one.has("model")) {
      options = options.withModel(one.get("model").getAsString());
    }
    if (one.has("threshold")) {
      options = options.withThreshold(one.get("threshold").getAsFloat());
    }
    if (one.has("test_time_views")) {
      options = options.withTestTimeViews(one.get("test_time_views").getAsInt());
    }
    boolean prepared = one.has("include_prepared") && one.get("include_prepared").getAsBoolean();
    return prepared ? options.withPrepared() : options;
  }

  private List<Image> images(JsonObject one, String list) throws IOException {
    List<Image> images = new ArrayList<>();
    for (JsonElement image : one.getAsJsonArray(list)) {
      images.add(image(image));
    }
    return images;
  }

  private Image image(JsonElement given) throws IOException {
    if (given.isJsonNull()) {
      return null;
    }
    if (given.isJsonPrimitive()) {
      return Image.file(folder.resolve(given.getAsString()));
    }
    JsonObject object = given.getAsJsonObject();
    if (object.has("reference")) {
      return Image.reference(object.get("reference").getAsString());
    }
    return object.has("raw") ? raw(object) : embeddingOf(object);
  }

  private Image raw(JsonObject object) throws IOException {
    byte[] pixels = Files.readAllBytes(folder.resolve(object.get("raw").getAsString()));
    int width = object.get("width").getAsInt();
    int height = object.get("height").getAsInt();
    return switch (object.get("format").getAsString()) {
      case "RGB8" -> Image.rgb(width, height, pixels);
      case "GRAY8" -> Image.gray(width, height, pixels);
      default -> Image.raw(
          width, height, PixelFormat.PIXEL_FORMAT_UNSPECIFIED, ByteString.copyFrom(pixels));
    };
  }

  private Image embeddingOf(JsonObject object) throws IOException {
    Image file = Image.file(folder.resolve(object.get("embedding_of").getAsString()));
    Embedding made =
        client.embed(List.of(file), options(object)).results().get(0).orThrow().embedding();
    if (!object.has("keep")) {
      return Image.embedding(made);
    }
    float[] kept = Arrays.copyOf(made.values(), object.get("keep").getAsInt());
    return Image.embedding(Embedding.of(kept, made.modelDigest()));
  }

  private static String score(PairScore score) {
    boolean prepared = score.preparedA().isPresent() && score.preparedB().isPresent();
    return digits(score.similarity()) + verdict(score.same()) + (prepared ? " prepared" : "");
  }

  static String verdict(boolean same) {
    return same ? " same" : " different";
  }

  static String words(Embedding embedding) {
    return embedding.values().length + " " + sha(embedding.values());
  }

  static String words(SiameseException e) {
    return e.code() + "/" + e.reason() + "/" + e.field();
  }

  private static String sha(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** The float as C's %.9g writes it; Java's own %g keeps zeros at the end. */
  static String digits(float value) {
    if (value == 0) {
      return "0";
    }
    BigDecimal rounded =
        new BigDecimal(value).round(new MathContext(9, RoundingMode.HALF_EVEN)).stripTrailingZeros();
    int exponent = rounded.precision() - rounded.scale() - 1;
    if (exponent >= -4 && exponent < 9) {
      return rounded.toPlainString();
    }
    String digits = rounded.unscaledValue().toString();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return "%se%s%02d".formatted(mantissa, exponent < 0 ? "-" : "+", Math.abs(exponent));
  }
}
