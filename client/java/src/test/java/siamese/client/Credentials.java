package siamese.client;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Assumptions;

/** A certificate for localhost, its key, and a file of tokens, for tests. */
final class Credentials {
  static final String TOKEN = "a-token-of-more-than-sixteen-characters";

  private Credentials() {}

  static void make(Path folder) throws Exception {
    try {
      Process process =
          new ProcessBuilder(
                  "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                  "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                  "-addext", "subjectAltName=DNS:localhost", "-keyout",
                  folder.resolve("key.pem").toString(), "-out", folder.resolve("cert.pem").toString())
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("openssl.log").toFile())
              .start();
      Assumptions.assumeTrue(
          process.waitFor() == 0, () -> "openssl makes no certificate: " + folder);
    } catch (IOException e) {
      System.err.println("left out: openssl is missing");
      Assumptions.abort("openssl is missing");
    }
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(TOKEN.getBytes(StandardCharsets.UTF_8));
    Files.writeString(
        folder.resolve("tokens"), "tester:" + HexFormat.of().formatHex(hash) + System.lineSeparator());
  }
}
