package siamese.client;

import java.util.List;

/**
 * What a model's encoder makes of an image. It means something only to the model that made it.
 * Immutable.
 */
public final class Embedding {
  private final siamese.v1.Embedding message;

  private Embedding(siamese.v1.Embedding message) {
    this.message = message;
  }

  static Embedding of(siamese.v1.Embedding message) {
    return new Embedding(message);
  }

  /**
   * An embedding that was kept elsewhere.
   *
   * @param values as {@link #values} gave them; copied
   * @param modelDigest as {@link #modelDigest} gave it
   * @return the embedding
   */
  public static Embedding of(float[] values, String modelDigest) {
    siamese.v1.Embedding.Builder message = siamese.v1.Embedding.newBuilder();
    for (float value : values) {
      message.addValues(value);
    }
    return new Embedding(message.setModelDigest(modelDigest).build());
  }

  /**
   * The encoder's output, most of it 0.
   *
   * @return {@link ModelInfo#embeddingLength} numbers; the caller's own copy
   */
  public float[] values() {
    List<Float> list = message.getValuesList();
    float[] values = new float[list.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = message.getValues(i);
    }
    return values;
  }

  /**
   * Which model made it.
   *
   * @return {@link ModelReference#digest} of that model; a server with another one refuses the
   *     embedding with MODEL_MISMATCH
   */
  public String modelDigest() {
    return message.getModelDigest();
  }

  siamese.v1.Embedding message() {
    return message;
  }
}
