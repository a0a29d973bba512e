import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import siamese.client.FrameResult;
import siamese.client.FrameResults;
import siamese.client.Image;
import siamese.client.ReferenceScore;
import siamese.client.SiameseClient;
import siamese.client.StreamOptions;

/** Scores frames against a reference: Stream ADDRESS REFERENCE FRAME…. A bad frame ends nothing. */
public final class Stream {
  public static void main(String[] args) throws Exception {
    Map<String, Image> references = Map.of("reference", Image.file(Path.of(args[1])));
    List<Image> frames = new ArrayList<>();
    for (int i = 2; i < args.length; i++) {
      frames.add(Image.file(Path.of(args[i])));
    }
    try (SiameseClient client = SiameseClient.connect(args[0]);
        FrameResults results =
            client.stream(references, frames.iterator(), StreamOptions.DEFAULT.withWindow(2))) {
      while (results.hasNext()) {
        FrameResult result = results.next();
        System.out.println(args[2 + (int) result.id()] + ": " + outcome(result));
      }
    }
  }

  private static String outcome(FrameResult result) {
    if (result.error().isPresent()) {
      return result.error().get().getMessage();
    }
    ReferenceScore score = result.scores().orElseThrow().scores().get(0);
    return "%.4f %s".formatted(score.similarity(), score.same() ? "same" : "different");
  }
}
