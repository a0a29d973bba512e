package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConformanceTest {
  /** Digits are those that C's printf("%.9g") gives. */
  @ParameterizedTest
  @CsvSource({
    "1, 1", "0, 0", "0.1, 0.100000001", "0.5, 0.5", "1e-5, 9.99999975e-06", "0.0001, 9.99999975e-05",
    "0.987654321, 0.987654328", "3.4e-12, 3.3999999e-12", "0.00012207031, 0.000122070312",
  })
  void digitsAreThoseOfC(float value, String want) {
    assertEquals(want, Conformance.digits(value));
  }
}
