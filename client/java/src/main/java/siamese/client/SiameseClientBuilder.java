package siamese.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/** Sets up a {@link SiameseClient}; from {@link SiameseClient#builder}. Not safe for concurrent use. */
public final class SiameseClientBuilder {
  // Prepared pictures and embeddings of a large call go over gRPC's own 4 MiB.
  private static final int MAX_REPLY_BYTES = 64 << 20;
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ServerAddress address;
  private TlsChannelCredentials.Builder tls; // null: plain text
  private String authority = "";
  private String token = "";
  private Duration deadline;
  private RetryPolicy retry = RetryPolicy.DEFAULT;

  SiameseClientBuilder(ServerAddress address) {
    this.address = address;
    if (address.tls()) {
      useTls();
    }
  }

  /**
   * Speaks TLS, the server's certificate being checked against the authorities of the Java runtime.
   * An address with https:// does that by itself.
   *
   * @return this
   */
  public SiameseClientBuilder useTls() {
    if (tls == null) {
      tls = TlsChannelCredentials.newBuilder();
    }
    return this;
  }

  /**
   * Speaks TLS, the server's certificate being checked against these authorities alone.
   *
   * @param certificates a PEM file
   * @return this
   * @throws IOException where the file can't be read
   */
  public SiameseClientBuilder trust(Path certificates) throws IOException {
    useTls();
    tls.trustManager(certificates.toFile());
    return this;
  }

  /**
   * Speaks TLS and shows a certificate of one's own.
   *
   * @param certificate a PEM file, with the authorities between if any
   * @param key its private key, a PEM file in PKCS #8, not encrypted
   * @return this
   * @throws IOException where a file can't be read
   */
  public SiameseClientBuilder clientCertificate(Path certificate, Path key) throws IOException {
    useTls();
    tls.keyManager(certificate.toFile(), key.toFile());
    return this;
  }

  /**
   * Expects another name in the server's certificate than the address has.
   *
   * @param name of the server
   * @return this
   */
  public SiameseClientBuilder serverName(String name) {
    this.authority = Objects.requireNonNull(name, "name");
    return this;
  }

  /**
   * Sends a bearer token with each call, over plain text too, where anyone on the way can read it.
   *
   * @param token visible ASCII characters; the error does not repeat it
   * @return this
   */
  public SiameseClientBuilder token(String token) {
    if (!token.matches("[!-~]+")) {
      throw new IllegalArgumentException(
          "received a token of " + token.length() + " characters, expected visible ASCII ones, at least one");
    }
    this.token = token;
    return this;
  }

  /**
   * The deadline of each call that sets none, retries and the parts of a long list included. Without
   * it each request to the server has 60 seconds, retries included.
   *
   * @param deadline longer than 0
   * @return this
   */
  public SiameseClientBuilder deadline(Duration deadline) {
    this.deadline = Checks.positive(deadline);
    return this;
  }

  /**
   * When calls are repeated.
   *
   * @param retry {@link RetryPolicy#NONE} for never
   * @return this
   */
  public SiameseClientBuilder retry(RetryPolicy retry) {
    this.retry = Objects.requireNonNull(retry, "retry");
    return this;
  }

  /**
   * Makes the client. Nothing is connected before the first call.
   *
   * @return a client that the caller closes
   */
  public SiameseClient build() {
    ChannelCredentials credentials = tls == null ? InsecureChannelCredentials.create() : tls.build();
    ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(address.target(), credentials);
    channel.maxInboundMessageSize(MAX_REPLY_BYTES);
    channel.disableRetry(); // the policy here is the only one
    if (!authority.isEmpty()) {
      channel.overrideAuthority(authority);
    }
    if (!token.isEmpty()) {
      Metadata headers = new Metadata();
      headers.put(AUTHORIZATION, "Bearer " + token);
      channel.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    }
    return new SiameseClient(channel.build(), new Caller(retry, deadline));
  }
}
