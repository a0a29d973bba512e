package siamese.client;

import com.google.protobuf.ByteString;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import siamese.v1.PixelFormat;
import siamese.v1.RawPixels;

/**
 * An image of a call: a picture file's bytes, pixels, an embedding, or on a stream the name of a
 * reference. Immutable; what it is made from is copied.
 */
public final class Image {
  private final siamese.v1.Image message;

  private Image(siamese.v1.Image message) {
    this.message = message;
  }

  /**
   * A picture file, read now and wholly. The server decodes it.
   *
   * @param path a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or PNM file
   * @return the image
   * @throws IOException where the file can't be read
   */
  public static Image file(Path path) throws IOException {
    return encoded(Files.readAllBytes(path));
  }

  /**
   * The bytes of a picture file.
   *
   * @param file as of {@link #file}
   * @return the image
   */
  public static Image encoded(byte[] file) {
    return encoded(ByteString.copyFrom(file));
  }

  static Image encoded(ByteString file) {
    return new Image(siamese.v1.Image.newBuilder().setEncoded(file).build());
  }

  /**
   * Colour pixels, row by row from the top left, without padding: three bytes a pixel, red, green,
   * blue, 0 to 255.
   *
   * @param width columns
   * @param height rows
   * @param pixels width × height × 3 bytes; the server refuses another length
   * @return the image
   */
  public static Image rgb(int width, int height, byte[] pixels) {
    return raw(width, height, PixelFormat.PIXEL_FORMAT_RGB8, ByteString.copyFrom(pixels));
  }

  /**
   * Gray pixels, row by row from the top left, without padding: one byte a pixel, 0 black to 255
   * white.
   *
   * @param width columns
   * @param height rows
   * @param pixels width × height bytes; the server refuses another length
   * @return the image
   */
  public static Image gray(int width, int height, byte[] pixels) {
    return raw(width, height, PixelFormat.PIXEL_FORMAT_GRAY8, ByteString.copyFrom(pixels));
  }

  /**
   * A picture in memory, sent as pixels in sRGB. What is transparent is put on white, as the server
   * does with files.
   *
   * @param picture of any type
   * @return the image
   */
  public static Image of(BufferedImage picture) {
    return Pixels.isGray(picture)
        ? gray(picture.getWidth(), picture.getHeight(), Pixels.gray(picture))
        : rgb(picture.getWidth(), picture.getHeight(), Pixels.rgb(picture));
  }

  /**
   * What {@link SiameseClient#embed} made of an image: nothing is decoded or encoded.
   *
   * @param embedding of the model that is to answer
   * @return the image
   */
  public static Image embedding(Embedding embedding) {
    return new Image(siamese.v1.Image.newBuilder().setEmbedding(embedding.message()).build());
  }

  /**
   * The image that a stream has under a name. Other calls refuse it.
   *
   * @param name of a reference
   * @return the image
   */
  public static Image reference(String name) {
    return new Image(siamese.v1.Image.newBuilder().setReference(name).build());
  }

  /** Pixels in a format that the caller names; package private, since only two are taken. */
  static Image raw(int width, int height, PixelFormat format, ByteString pixels) {
    if (width < 0 || height < 0) {
      throw new IllegalArgumentException(
          "received %d by %d pixels, expected at least 2 by 2".formatted(width, height));
    }
    RawPixels raw =
        RawPixels.newBuilder().setWidth(width).setHeight(height).setFormat(format).setData(pixels).build();
    return new Image(siamese.v1.Image.newBuilder().setRaw(raw).build());
  }

  /** The message of an image; of null one with nothing set, which the server refuses as such. */
  static siamese.v1.Image message(Image image) {
    return image == null ? siamese.v1.Image.getDefaultInstance() : image.message;
  }
}
