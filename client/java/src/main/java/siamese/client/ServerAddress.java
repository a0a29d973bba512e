package siamese.client;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a server is and how it is spoken to.
 *
 * @param target what gRPC connects to, such as {@code dns:///host:port}
 * @param tls whether the address asks for TLS
 */
record ServerAddress(String target, boolean tls) {
  /** Where a server listens for gRPC where nothing else is said. */
  static final int DEFAULT_PORT = 50051;

  private static final int MAX_SOCKET_PATH = 107; // bytes, the system's limit
  private static final String EXPECTED =
      "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path";
  private static final Map<String, Integer> PORTS =
      Map.of("http", 80, "https", 443, "grpc", DEFAULT_PORT, "grpcs", DEFAULT_PORT);
  private static final Pattern HOST_AND_PORT =
      Pattern.compile("(\\[[^\\[\\]\\s]+\\]|[^:\\[\\]\\s\"']+)(?::([^:]*))?");

  /**
   * Reads an address as people write it.
   *
   * @throws IllegalArgumentException that says what to write
   */
  static ServerAddress parse(String text) {
    String trimmed = text.strip();
    if (trimmed.isEmpty()) {
      throw new IllegalArgumentException("received no address of a server, " + EXPECTED);
    }
    if (trimmed.startsWith("/") || trimmed.startsWith("./")) {
      throw new IllegalArgumentException(
          "received the path \"" + trimmed + "\", expected unix:PATH for a socket");
    }
    int colon = trimmed.indexOf(':');
    String scheme = colon < 0 ? "" : trimmed.substring(0, colon).toLowerCase(Locale.ROOT);
    String rest = trimmed.substring(colon + 1);
    if (scheme.equals("unix")) {
      return socket(rest);
    }
    if (scheme.equals("dns") && rest.startsWith("//")) {
      return new ServerAddress(trimmed, false);
    }
    if (!rest.startsWith("//") || colon < 0) {
      return host(trimmed, DEFAULT_PORT, false);
    }
    if (!PORTS.containsKey(scheme)) {
      throw new IllegalArgumentException(
          "received an address that begins with \"" + scheme + "://\", " + EXPECTED);
    }
    return host(rest.substring(2), PORTS.get(scheme), scheme.endsWith("s"));
  }

  private static ServerAddress socket(String rest) {
    String path = rest.startsWith("//") ? rest.substring(2) : rest;
    if (rest.startsWith("//") && !path.startsWith("/")) {
      throw new IllegalArgumentException(
          "received the address \"unix:" + rest + "\", expected unix:///absolute/path or unix:path");
    }
    if (path.replace("/", "").isEmpty()) {
      throw new IllegalArgumentException(
          "received the address unix: without a path, expected unix:/path");
    }
    int length = path.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
    if (length > MAX_SOCKET_PATH) {
      throw new IllegalArgumentException(
          "received a socket's path of %d bytes, expected at most %d, which is the system's limit"
              .formatted(length, MAX_SOCKET_PATH));
    }
    return new ServerAddress("unix://" + java.nio.file.Path.of(path).toAbsolutePath(), false);
  }

  private static ServerAddress host(String text, int port, boolean tls) {
    if (text.indexOf('@') >= 0) { // not repeated: what is before it may be a secret
      throw new IllegalArgumentException(
          "received an address with a user in it, " + EXPECTED + "; a token goes by token(...)");
    }
    String bare = text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    if (bare.chars().filter(c -> c == ':').count() > 1 && bare.matches("[0-9a-fA-F:.]+(%\\w+)?")) {
      return new ServerAddress("dns:///[" + bare + "]:" + port, tls); // an IPv6 address alone
    }
    Matcher parts = HOST_AND_PORT.matcher(bare);
    if (bare.matches(".*[/?#].*") || !parts.matches()) {
      throw new IllegalArgumentException("received the address \"" + text + "\", " + EXPECTED);
    }
    String given = parts.group(2);
    int number = given == null || given.isEmpty() ? port : parsePort(given, text);
    return new ServerAddress("dns:///" + parts.group(1) + ":" + number, tls);
  }

  private static int parsePort(String text, String address) {
    if (text.matches("[0-9]{1,5}")) {
      int port = Integer.parseInt(text);
      if (port >= 1 && port <= 65535) {
        return port;
      }
    }
    throw new IllegalArgumentException(
        "received port \"%s\" in the address \"%s\", expected a number from 1 to 65535"
            .formatted(text, address));
  }
}
