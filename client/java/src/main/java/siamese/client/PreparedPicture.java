package siamese.client;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/** A picture as the network saw it: decoded, turned upright, resized and cropped. Immutable. */
public final class PreparedPicture {
  private final ByteString png;

  PreparedPicture(ByteString png) {
    this.png = png;
  }

  /**
   * The picture as a PNG file.
   *
   * @return the caller's own copy
   */
  public byte[] toPng() {
    return png.toByteArray();
  }

  /**
   * The picture in memory.
   *
   * @return a new picture
   * @throws IOException where what the server sent is no PNG
   */
  public BufferedImage toBufferedImage() throws IOException {
    BufferedImage picture = ImageIO.read(png.newInput());
    if (picture == null) {
      throw new IOException("received a prepared picture of " + png.size() + " bytes, expected a PNG");
    }
    return picture;
  }

  /**
   * Writes the picture as a PNG file, over one that is there.
   *
   * @param path of the file
   * @throws IOException where it can't be written
   */
  public void write(Path path) throws IOException {
    Files.write(path, toPng());
  }
}
