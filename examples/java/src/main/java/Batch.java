import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import siamese.client.BatchComparison;
import siamese.client.Image;
import siamese.client.ItemResult;
import siamese.client.Pair;
import siamese.client.PairScore;
import siamese.client.SiameseClient;

/** Compares 100 pairs of the files of a folder in one call: Batch ADDRESS FOLDER. */
public final class Batch {
  private static final int PAIRS = 100;

  public static void main(String[] args) throws Exception {
    List<Path> files = files(Path.of(args[1]));
    List<Image> images = new ArrayList<>();
    for (Path file : files) {
      images.add(Image.file(file));
    }
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      pairs.add(new Pair(images.get(first(i, files)), images.get(second(i, files))));
    }
    try (SiameseClient client = SiameseClient.connect(args[0])) {
      BatchComparison batch = client.batch(pairs); // in as many requests as it takes
      for (int i = 0; i < PAIRS; i++) {
        String names =
            files.get(first(i, files)).getFileName() + " " + files.get(second(i, files)).getFileName();
        System.out.println(names + ": " + outcome(batch.results().get(i)));
      }
    }
  }

  private static int first(int pair, List<Path> files) {
    return pair % files.size();
  }

  private static int second(int pair, List<Path> files) {
    return (pair + pair / files.size()) % files.size();
  }

  private static String outcome(ItemResult<PairScore> result) {
    return result
        .value()
        .map(score -> "%.4f %s".formatted(score.similarity(), score.same() ? "same" : "different"))
        .orElseGet(() -> result.error().orElseThrow().getMessage());
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
