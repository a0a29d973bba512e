package siamese.client;

import java.util.Objects;
import java.util.Optional;

/**
 * What became of one item of a call: a value, or why there is none.
 *
 * @param <T> the value's type
 */
public final class ItemResult<T> {
  private final T value;
  private final SiameseException error;

  private ItemResult(T value, SiameseException error) {
    this.value = value;
    this.error = error;
  }

  static <T> ItemResult<T> of(T value) {
    return new ItemResult<>(Objects.requireNonNull(value), null);
  }

  static <T> ItemResult<T> failed(SiameseException error) {
    return new ItemResult<>(null, Objects.requireNonNull(error));
  }

  /**
   * The value.
   *
   * @return empty where the item failed
   */
  public Optional<T> value() {
    return Optional.ofNullable(value);
  }

  /**
   * Why there is no value.
   *
   * @return empty where there is one
   */
  public Optional<SiameseException> error() {
    return Optional.ofNullable(error);
  }

  /**
   * The value, for a caller who has no use for the error.
   *
   * @return never null
   * @throws SiameseException the item's error
   */
  public T orThrow() {
    if (error != null) {
      throw error;
    }
    return value;
  }

  @Override
  public String toString() {
    return error != null ? error.toString() : value.toString();
  }
}
