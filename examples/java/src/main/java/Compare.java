import java.nio.file.Path;
import siamese.client.Comparison;
import siamese.client.Image;
import siamese.client.SiameseClient;
import siamese.client.SiameseException;

/** Says how alike two pictures are: Compare ADDRESS PICTURE PICTURE. */
public final class Compare {
  public static void main(String[] args) throws Exception {
    try (SiameseClient client = SiameseClient.connect(args[0])) {
      Comparison result =
          client.compare(Image.file(Path.of(args[1])), Image.file(Path.of(args[2])));
      System.out.printf(
          "%s: similarity %.4f, threshold %.4f%n",
          result.same() ? "same" : "different", result.similarity(), result.threshold());
    } catch (SiameseException e) {
      System.err.println(e.getMessage()); // such as IMAGE_UNDECODABLE (image_b): …
      System.exit(1);
    }
  }
}
