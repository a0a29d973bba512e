package siamese.client;

import java.awt.image.BufferedImage;

/** Pixels of pictures in memory, as the server takes them. */
final class Pixels {
  private static final int WHITE = 255;

  private Pixels() {}

  static boolean isGray(BufferedImage picture) {
    return picture.getType() == BufferedImage.TYPE_BYTE_GRAY;
  }

  /** The stored gray values: getRGB would turn them by its own idea of a gray's brightness. */
  static byte[] gray(BufferedImage picture) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    byte[] pixels = new byte[Math.multiplyExact(width, height)];
    picture.getRaster().getDataElements(0, 0, width, height, pixels);
    return pixels;
  }

  static byte[] rgb(BufferedImage picture) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    byte[] pixels = new byte[Math.multiplyExact(Math.multiplyExact(width, height), 3)];
    int[] row = new int[width];
    int at = 0;
    for (int y = 0; y < height; y++) {
      picture.getRGB(0, y, width, 1, row, 0, width);
      for (int argb : row) {
        int alpha = argb >>> 24;
        pixels[at++] = onWhite(argb >> 16 & 0xff, alpha);
        pixels[at++] = onWhite(argb >> 8 & 0xff, alpha);
        pixels[at++] = onWhite(argb & 0xff, alpha);
      }
    }
    return pixels;
  }

  private static byte onWhite(int value, int alpha) {
    return (byte) ((value * alpha + WHITE * (255 - alpha) + 127) / 255);
  }
}
