package siamese.client;

import java.time.Duration;

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
}
