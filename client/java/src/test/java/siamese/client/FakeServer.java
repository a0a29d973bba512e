package siamese.client;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.BindableService;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerBuilder;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import siamese.v1.BatchCompareRequest;
import siamese.v1.BatchCompareResponse;
import siamese.v1.CandidateError;
import siamese.v1.CompareRequest;
import siamese.v1.CompareResponse;
import siamese.v1.EmbedRequest;
import siamese.v1.EmbedResponse;
import siamese.v1.EmbedResult;
import siamese.v1.GetServerInfoRequest;
import siamese.v1.GetServerInfoResponse;
import siamese.v1.Image;
import siamese.v1.ItemError;
import siamese.v1.Limits;
import siamese.v1.PairResult;
import siamese.v1.PairScore;
import siamese.v1.RankRequest;
import siamese.v1.RankResponse;
import siamese.v1.RankedCandidate;
import siamese.v1.SiameseServiceGrpc;

/**
 * A service in this process that speaks the contract by simple rules: the similarity is the first
 * byte of the last image over 100, and an image of one byte 255 is bad. It fails calls as told.
 */
class FakeServer extends SiameseServiceGrpc.SiameseServiceImplBase implements AutoCloseable {
  static final int MAX_ITEMS = 3;
  static final int MAX_MESSAGE = 2000;

  final Queue<StatusRuntimeException> failures = new ConcurrentLinkedQueue<>();
  final AtomicInteger calls = new AtomicInteger();
  final List<String> tokens = new CopyOnWriteArrayList<>();
  final List<Integer> sizes = new CopyOnWriteArrayList<>(); // items of each list call
  final List<RankRequest> rankings = new CopyOnWriteArrayList<>();
  private final Server server;

  /** Starts it, with services beside its own. */
  FakeServer(BindableService... others) throws IOException {
    ServerBuilder<?> builder =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(this)
            .intercept(new Tokens());
    List.of(others).forEach(builder::addService);
    server = builder.build().start();
  }

  private final class Tokens implements ServerInterceptor {
    @Override
    public <A, B> ServerCall.Listener<A> interceptCall(
        ServerCall<A, B> call, Metadata headers, ServerCallHandler<A, B> next) {
      String token =
          headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
      tokens.add(token == null ? "" : token);
      return next.startCall(call, headers);
    }
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  static StatusRuntimeException failure(Status.Code code, String reason, String field, Long retryMillis) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage("as told");
    status.addDetails(
        Any.pack(ErrorInfo.newBuilder().setReason(reason).putMetadata("limit", "7").build()));
    if (!field.isEmpty()) {
      status.addDetails(
          Any.pack(
              BadRequest.newBuilder()
                  .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(field))
                  .build()));
    }
    if (retryMillis != null) {
      Duration delay = Duration.newBuilder().setNanos((int) (retryMillis * 1_000_000)).build();
      status.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }

  private boolean fails(StreamObserver<?> reply) {
    calls.incrementAndGet();
    StatusRuntimeException failure = failures.poll();
    if (failure != null) {
      reply.onError(failure);
    }
    return failure != null;
  }

  static boolean isBad(Image image) {
    return !image.getEncoded().isEmpty() && image.getEncoded().byteAt(0) == (byte) 255;
  }

  static float score(Image image) {
    return image.getEncoded().isEmpty() ? 0 : image.getEncoded().byteAt(0) / 100f;
  }

  static ItemError bad(String field) {
    return ItemError.newBuilder()
        .setCode(3).setReason("IMAGE_UNDECODABLE").setMessage("bad").setField(field).build();
  }

  @Override
  public void getServerInfo(
      GetServerInfoRequest request, StreamObserver<GetServerInfoResponse> reply) {
    Limits limits =
        Limits.newBuilder()
            .setMaxPairs(MAX_ITEMS)
            .setMaxCandidates(MAX_ITEMS)
            .setMaxImages(MAX_ITEMS)
            .setMaxMessageBytes(MAX_MESSAGE)
            .build();
    reply.onNext(GetServerInfoResponse.newBuilder().setLimits(limits).build());
    reply.onCompleted();
  }

  @Override
  public void compare(CompareRequest request, StreamObserver<CompareResponse> reply) {
    if (fails(reply)) {
      return;
    }
    reply.onNext(CompareResponse.newBuilder().setSimilarity(score(request.getImageB())).build());
    reply.onCompleted();
  }

  @Override
  public void batchCompare(BatchCompareRequest request, StreamObserver<BatchCompareResponse> reply) {
    if (fails(reply)) {
      return;
    }
    sizes.add(request.getPairsCount());
    BatchCompareResponse.Builder answer = BatchCompareResponse.newBuilder().setEncodedImages(1);
    for (int i = 0; i < request.getPairsCount(); i++) {
      Image b = request.getPairs(i).getImageB();
      PairResult.Builder result = answer.addResultsBuilder();
      if (isBad(b)) {
        result.setError(bad("pairs[" + i + "].image_b"));
      } else {
        result.setScore(PairScore.newBuilder().setSimilarity(score(b)));
      }
    }
    reply.onNext(answer.build());
    reply.onCompleted();
  }

  @Override
  public void rank(RankRequest request, StreamObserver<RankResponse> reply) {
    if (fails(reply)) {
      return;
    }
    sizes.add(request.getCandidatesCount());
    rankings.add(request);
    RankResponse.Builder answer = RankResponse.newBuilder();
    Queue<RankedCandidate> ranked = new ArrayDeque<>();
    for (int i = 0; i < request.getCandidatesCount(); i++) {
      Image candidate = request.getCandidates(i);
      if (isBad(candidate)) {
        answer.addErrors(
            CandidateError.newBuilder().setIndex(i).setError(bad("candidates[" + i + "]")));
      } else {
        ranked.add(
            RankedCandidate.newBuilder().setIndex(i).setSimilarity(score(candidate)).build());
      }
    }
    ranked.stream()
        .sorted((a, b) -> Float.compare(b.getSimilarity(), a.getSimilarity()))
        .limit(request.getTopK() == 0 ? Long.MAX_VALUE : request.getTopK())
        .forEach(answer::addRanked);
    reply.onNext(answer.build());
    reply.onCompleted();
  }

  @Override
  public void embed(EmbedRequest request, StreamObserver<EmbedResponse> reply) {
    if (fails(reply)) {
      return;
    }
    sizes.add(request.getImagesCount());
    EmbedResponse.Builder answer = EmbedResponse.newBuilder();
    for (int i = 0; i < request.getImagesCount(); i++) {
      EmbedResult.Builder result = answer.addResultsBuilder();
      if (isBad(request.getImages(i))) {
        result.setError(bad("images[" + i + "]"));
      } else {
        result.getEmbeddingBuilder().addValues(score(request.getImages(i)));
      }
    }
    reply.onNext(answer.build());
    reply.onCompleted();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }
}
