package siamese.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.awt.image.BufferedImage;
import org.junit.jupiter.api.Test;
import siamese.v1.PixelFormat;

class PixelsTest {
  private static byte[] data(Image image) {
    return Image.message(image).getRaw().getData().toByteArray();
  }

  @Test
  void coloursAreRedGreenBlueFromTheTopLeft() {
    BufferedImage picture = new BufferedImage(2, 2, BufferedImage.TYPE_3BYTE_BGR);
    picture.setRGB(0, 0, 0x010203);
    picture.setRGB(1, 0, 0x040506);
    picture.setRGB(0, 1, 0xfffefd);
    assertArrayEquals(
        new byte[] {1, 2, 3, 4, 5, 6, -1, -2, -3, 0, 0, 0}, data(Image.of(picture)));
  }

  @Test
  void whatIsTransparentIsWhite() {
    BufferedImage picture = new BufferedImage(2, 1, BufferedImage.TYPE_INT_ARGB);
    picture.setRGB(1, 0, 0x80_000000);
    assertArrayEquals(new byte[] {-1, -1, -1, 127, 127, 127}, data(Image.of(picture)));
  }

  @Test
  void graysAreAsStored() {
    BufferedImage picture = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    picture.getRaster().setSample(1, 0, 0, 77);
    Image image = Image.of(picture);
    assertEquals(PixelFormat.PIXEL_FORMAT_GRAY8, Image.message(image).getRaw().getFormat());
    assertArrayEquals(new byte[] {0, 77}, data(image));
  }

  @Test
  void bytesAreCopied() {
    byte[] bytes = {1, 2, 3};
    Image image = Image.encoded(bytes);
    bytes[0] = 9;
    assertEquals(1, Image.message(image).getEncoded().byteAt(0));
    Embedding embedding = Embedding.of(new float[] {0, 1.5f}, "d");
    embedding.values()[1] = 0;
    assertArrayEquals(new float[] {0, 1.5f}, embedding.values());
  }
}
