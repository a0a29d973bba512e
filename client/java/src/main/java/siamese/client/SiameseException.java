package siamese.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import siamese.v1.ItemError;

/**
 * A call that the server, or the way to it, failed; or one item of a call, which is then part of
 * the result and not thrown.
 */
public final class SiameseException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Status.Code code;
  private final String reason;
  private final String field;
  private final transient Map<String, String> metadata;
  private final Duration retryDelay;

  private SiameseException(Failure failure, Throwable cause, boolean isItem) {
    super(
        (failure.reason().isEmpty() ? failure.code().name() : failure.reason())
            + (failure.field().isEmpty() ? ": " : " (" + failure.field() + "): ")
            + failure.message(),
        cause,
        !isItem,
        !isItem);
    this.code = failure.code();
    this.reason = failure.reason();
    this.field = failure.field();
    this.metadata = Map.copyOf(failure.metadata());
    this.retryDelay = failure.retryDelay();
  }

  private record Failure(
      Status.Code code,
      String reason,
      String message,
      String field,
      Map<String, String> metadata,
      Duration retryDelay) {}

  /** Converts what a stub throws. */
  static SiameseException of(StatusRuntimeException thrown) {
    return of(thrown, 0, "");
  }

  /** The same, its field moved by offset items of the list with this name. */
  static SiameseException of(StatusRuntimeException thrown, int offset, String list) {
    String reason = "";
    String field = "";
    Map<String, String> metadata = Map.of();
    Duration delay = null;
    com.google.rpc.Status received = StatusProto.fromThrowable(thrown);
    for (Any detail : received == null ? java.util.List.<Any>of() : received.getDetailsList()) {
      ErrorInfo info = unpack(detail, ErrorInfo.class);
      BadRequest bad = unpack(detail, BadRequest.class);
      RetryInfo retry = unpack(detail, RetryInfo.class);
      if (info != null) {
        reason = info.getReason();
        metadata = info.getMetadataMap();
      } else if (bad != null && bad.getFieldViolationsCount() > 0) {
        field = bad.getFieldViolations(0).getField();
      } else if (retry != null) {
        delay = Wire.duration(retry.getRetryDelay());
      }
    }
    Status status = thrown.getStatus();
    String message = status.getDescription() == null ? "" : status.getDescription();
    String moved = Fields.shift(field, list, offset);
    return new SiameseException(
        new Failure(status.getCode(), reason, message, moved, metadata, delay), thrown, false);
  }

  /** Converts the error of an item; its field is moved by offset items of the list. */
  static SiameseException ofItem(ItemError error, int offset, String list) {
    Status.Code code = Status.fromCodeValue(error.getCode()).getCode();
    String field = Fields.shift(error.getField(), list, offset);
    return new SiameseException(
        new Failure(code, error.getReason(), error.getMessage(), field, Map.of(), null), null, true);
  }

  /** An item that can't be sent at all. */
  static SiameseException tooLarge(long bytes, long limit, String field) {
    String message =
        "received an item of %d bytes, expected at most %d in one message".formatted(bytes, limit);
    return new SiameseException(
        new Failure(Status.Code.RESOURCE_EXHAUSTED, "", message, field, Map.of(), null), null, true);
  }

  /** A failure without details. */
  static SiameseException plain(Status.Code code, String message) {
    return new SiameseException(
        new Failure(code, "", message, "", Map.of(), null), null, false);
  }

  private static <T extends com.google.protobuf.Message> T unpack(Any detail, Class<T> type) {
    try {
      return detail.is(type) ? detail.unpack(type) : null;
    } catch (InvalidProtocolBufferException e) {
      return null; // a detail that can't be read tells nothing; the status does
    }
  }

  /**
   * The gRPC status code.
   *
   * @return never null
   */
  public Status.Code code() {
    return code;
  }

  /**
   * What went wrong, stable, such as {@code IMAGE_UNDECODABLE}.
   *
   * @return empty where the failure came from gRPC itself
   */
  public String reason() {
    return reason;
  }

  /**
   * The field at fault as a path within the call, such as {@code pairs[3].image_b}. Indexes are
   * those of the caller's own list, however it was split.
   *
   * @return empty where no field is at fault
   */
  public String field() {
    return field;
  }

  /**
   * The numbers and names that matter, such as a limit.
   *
   * @return unmodifiable; empty where there are none
   */
  public Map<String, String> metadata() {
    return metadata == null ? Map.of() : metadata; // null after deserialisation
  }

  /**
   * How long the server asks to wait before the call is repeated.
   *
   * @return empty where it does not say
   */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(retryDelay);
  }
}
