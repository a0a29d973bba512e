package siamese.client;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;

/** Checks of arguments: what was received, what was expected. */
final class Checks {
  private Checks() {}

  static Duration positive(Duration deadline) {
    if (deadline.isNegative() || deadline.isZero()) {
      throw new IllegalArgumentException(
          "received deadline " + deadline + ", expected one longer than 0");
    }
    return deadline;
  }

  static int notNegative(String name, int value) {
    if (value < 0) {
      throw new IllegalArgumentException(
          "received " + name + " " + value + ", expected 0 or more");
    }
    return value;
  }

  /** Half a surrogate pair would be sent as "?", and so be another name. */
  static String text(String name, String value) {
    Objects.requireNonNull(value, name);
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(value)) {
      throw new IllegalArgumentException(
          "received %s \"%s\" with half a surrogate pair, expected Unicode text".formatted(name, value));
    }
    return value;
  }
}
