import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import siamese.client.EnrollFailure;
import siamese.client.Enrollment;
import siamese.client.Galleries;
import siamese.client.GalleryOptions;
import siamese.client.Identification;
import siamese.client.IdentifyOptions;
import siamese.client.Image;
import siamese.client.NewEntry;
import siamese.client.SiameseClient;
import siamese.client.ThingMatch;

/** Keeps a folder's pictures, and says which of them one shows: Identify ADDRESS FOLDER PICTURE. */
public final class Identify {
  private static final String GALLERY = "example";

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[1]);
    try (SiameseClient client = SiameseClient.connect(args[0]);
        Stream<Path> files = Files.walk(folder)) {
      Galleries galleries = client.galleries();
      galleries.create(GALLERY, GalleryOptions.DEFAULT.withModel("general").withThumbnails());
      // Files are read as the server takes them. What is there already stays as it is.
      Stream<NewEntry> entries =
          files.filter(Files::isRegularFile).map(file -> entry(folder, file));
      Enrollment kept = galleries.enroll(GALLERY, entries.iterator());
      System.out.printf("%d added, %d there already%n", kept.added(), kept.unchanged());
      for (EnrollFailure failure : kept.failures()) { // a file that is no picture fails alone
        System.out.println(failure.id() + ": " + failure.error().getMessage());
      }
      Image picture = Image.file(Path.of(args[2]));
      Identification found =
          galleries.identify(GALLERY, picture, IdentifyOptions.DEFAULT.withTopK(3));
      for (ThingMatch match : found.matches()) {
        String verdict = match.same() ? "same" : "different";
        System.out.printf("%s: %.4f %s%n", match.entry().id(), match.similarity(), verdict);
      }
    }
  }

  private static NewEntry entry(Path folder, Path file) {
    try {
      String id = folder.relativize(file).toString().replace(File.separatorChar, '/');
      return new NewEntry(id, Image.file(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
