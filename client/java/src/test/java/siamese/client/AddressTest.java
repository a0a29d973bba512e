package siamese.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressTest {
  @ParameterizedTest
  @CsvSource({
    "localhost:1234, dns:///localhost:1234, false",
    "example.org, dns:///example.org:50051, false",
    "[::1]:9, dns:///[::1]:9, false",
    "::1, dns:///[::1]:50051, false",
    "http://host, dns:///host:80, false",
    "HTTPS://host/, dns:///host:443, true",
    "grpcs://host, dns:///host:50051, true",
    "unix:/run/a.sock, unix:///run/a.sock, false",
    "unix:///run/a.sock, unix:///run/a.sock, false",
    "dns:///host:5, dns:///host:5, false",
  })
  void isRead(String given, String target, boolean tls) {
    assertEquals(new ServerAddress(target, tls), ServerAddress.parse(given));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", " ", "/run/a.sock", "ftp://host", "host:0", "host:65536", "host:x", "http://host/path",
        "me:secret@host:1", "unix:", "unix://a", "a b:1", ":5", "http://"
      })
  void isRefusedInWords(String given) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ServerAddress.parse(given));
    assertTrue(e.getMessage().contains("received"), e.getMessage());
    assertTrue(e.getMessage().contains("expected"), e.getMessage());
    assertTrue(!e.getMessage().contains("secret"), e.getMessage());
  }
}
