package siamese.client;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** A picture file that a gallery kept. Immutable. */
public final class KeptPicture {
  private final ByteString file;

  KeptPicture(ByteString file) {
    this.file = file;
  }

  /**
   * How long the file is.
   *
   * @return bytes
   */
  public int size() {
    return file.size();
  }

  /**
   * The file's bytes.
   *
   * @return the caller's own copy
   */
  public byte[] toByteArray() {
    return file.toByteArray();
  }

  /**
   * The picture in memory. Java itself reads JPEG, PNG, GIF, BMP and TIFF; the server takes more.
   *
   * @return a new picture
   * @throws IOException where Java can't read the file
   */
  public BufferedImage toBufferedImage() throws IOException {
    BufferedImage picture = ImageIO.read(file.newInput());
    if (picture == null) {
      throw new IOException(
          "received a picture of " + file.size() + " bytes, expected a format that Java reads");
    }
    return picture;
  }

  /**
   * The picture as an image of another call.
   *
   * @return the image
   */
  public Image toImage() {
    return Image.encoded(file);
  }

  /**
   * Writes the file, over one that is there.
   *
   * @param path of the file
   * @throws IOException where it can't be written
   */
  public void write(Path path) throws IOException {
    try (OutputStream out = Files.newOutputStream(path)) {
      file.writeTo(out);
    }
  }
}
