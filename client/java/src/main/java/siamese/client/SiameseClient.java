package siamese.client;

import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import siamese.v1.BatchCompareRequest;
import siamese.v1.CompareRequest;
import siamese.v1.EmbedRequest;
import siamese.v1.GetServerInfoRequest;
import siamese.v1.ImagePair;
import siamese.v1.RankRequest;
import siamese.v1.SiameseServiceGrpc;

/**
 * Talks to one server. Safe for concurrent use by any number of threads; calls block. A call throws
 * {@link SiameseException} where it fails as a whole; an item of a list that fails has its own error
 * in the result, and its neighbours are answered. Lists may have any length: they are split by the
 * server's limits, which are asked for once.
 */
public final class SiameseClient implements AutoCloseable {
  private final ManagedChannel channel;
  private final SiameseServiceGrpc.SiameseServiceBlockingStub service;
  private final Caller caller;
  private volatile Limits limits; // null until they are first needed

  SiameseClient(ManagedChannel channel, Caller caller) {
    this.channel = channel;
    this.service = SiameseServiceGrpc.newBlockingStub(channel);
    this.caller = caller;
  }

  /**
   * A client with defaults. Nothing is connected before the first call.
   *
   * @param address as of {@link #builder}
   * @return a client that the caller closes
   */
  public static SiameseClient connect(String address) {
    return builder(address).build();
  }

  /**
   * Begins a client. Addresses are host:port (or host alone, which means port 50051), in plain text;
   * http://host:port and grpc://host:port, the same; https://host:port and grpcs://host:port, TLS;
   * unix:/path, a socket of this machine (Linux); dns:///host:port.
   *
   * @param address of the server
   * @return the builder
   * @throws IllegalArgumentException where the address is none
   */
  public static SiameseClientBuilder builder(String address) {
    return new SiameseClientBuilder(ServerAddress.parse(address));
  }

  /**
   * Compares two images with defaults.
   *
   * @param a the first image
   * @param b the second image
   * @return their score
   */
  public Comparison compare(Image a, Image b) {
    return compare(a, b, CompareOptions.DEFAULT);
  }

  /**
   * Compares two images. The order does not matter.
   *
   * @param a the first image
   * @param b the second image
   * @param options wishes
   * @return their score
   */
  public Comparison compare(Image a, Image b, CompareOptions options) {
    CompareRequest request =
        CompareRequest.newBuilder()
            .setImageA(Image.message(a))
            .setImageB(Image.message(b))
            .setOptions(options.message())
            .build();
    Caller.Time time = caller.begin(options.deadline().orElse(null));
    return Wire.comparison(caller.send(time, service, stub -> stub.compare(request)));
  }

  /**
   * Compares pairs with defaults.
   *
   * @param pairs any number but none
   * @return one result a pair
   */
  public BatchComparison batch(List<Pair> pairs) {
    return batch(pairs, CompareOptions.DEFAULT);
  }

  /**
   * Compares pairs. An image that is in several pairs of a request is encoded once.
   *
   * @param pairs any number but none
   * @param options wishes, for every pair
   * @return one result a pair
   */
  public BatchComparison batch(List<Pair> pairs, CompareOptions options) {
    List<ImagePair> items = pairs.stream().map(SiameseClient::message).toList();
    BatchCompareRequest base =
        BatchCompareRequest.newBuilder().setOptions(options.message()).build();
    Caller.Time time = caller.begin(options.deadline().orElse(null));
    Limits limits = limits(time);
    BatchAnswers answers = new BatchAnswers();
    for (Parts.Part part :
        Parts.split(items, limits.pairsOf(options), limits.maxMessageBytes(), base)) {
      if (part.tooLarge()) {
        answers.refuse(part, limits.maxMessageBytes());
        continue;
      }
      BatchCompareRequest request =
          base.toBuilder().addAllPairs(items.subList(part.first(), part.end())).build();
      answers.add(
          caller.send(time, service, part.first(), "pairs", stub -> stub.batchCompare(request)),
          part.first());
    }
    return answers.result();
  }

  private static ImagePair message(Pair pair) {
    return ImagePair.newBuilder()
        .setImageA(Image.message(pair.a()))
        .setImageB(Image.message(pair.b()))
        .build();
  }

  /**
   * Scores a query against candidates with defaults.
   *
   * @param query the image to look for
   * @param candidates any number but none
   * @return the candidates, best first
   */
  public Ranking rank(Image query, List<Image> candidates) {
    return rank(query, candidates, RankOptions.DEFAULT);
  }

  /**
   * Scores a query against candidates.
   *
   * @param query the image to look for
   * @param candidates any number but none
   * @param options wishes
   * @return the candidates, best first
   */
  public Ranking rank(Image query, List<Image> candidates, RankOptions options) {
    List<siamese.v1.Image> items = messages(candidates);
    RankRequest base =
        RankRequest.newBuilder()
            .setQuery(Image.message(query))
            .setTopK(options.topK())
            .setMinSimilarity(options.minSimilarity())
            .setOptions(options.compare().message())
            .build();
    Caller.Time time = caller.begin(options.compare().deadline().orElse(null));
    Limits limits = limits(time);
    RankAnswers answers = new RankAnswers();
    for (Parts.Part part :
        Parts.split(items, limits.maxCandidates(), limits.maxMessageBytes(), base)) {
      if (part.tooLarge()) {
        answers.refuse(part, limits.maxMessageBytes());
        continue;
      }
      RankRequest request =
          base.toBuilder().addAllCandidates(items.subList(part.first(), part.end())).build();
      answers.add(
          caller.send(time, service, part.first(), "candidates", stub -> stub.rank(request)),
          part.first());
    }
    return answers.result(options.topK());
  }

  /**
   * Makes embeddings with defaults.
   *
   * @param images any number but none
   * @return one result an image
   */
  public Embeddings embed(List<Image> images) {
    return embed(images, CompareOptions.DEFAULT);
  }

  /**
   * Makes embeddings, which stand for their images in other calls ({@link Image#embedding}) for as
   * long as the server runs the same model.
   *
   * @param images any number but none
   * @param options wishes; a threshold has no effect
   * @return one result an image
   */
  public Embeddings embed(List<Image> images, CompareOptions options) {
    List<siamese.v1.Image> items = messages(images);
    EmbedRequest base =
        EmbedRequest.newBuilder()
            .setModel(options.model())
            .setIncludePrepared(options.includePrepared())
            .build();
    Caller.Time time = caller.begin(options.deadline().orElse(null));
    Limits limits = limits(time);
    EmbedAnswers answers = new EmbedAnswers();
    for (Parts.Part part : Parts.split(items, limits.maxImages(), limits.maxMessageBytes(), base)) {
      if (part.tooLarge()) {
        answers.refuse(part, limits.maxMessageBytes());
        continue;
      }
      EmbedRequest request =
          base.toBuilder().addAllImages(items.subList(part.first(), part.end())).build();
      answers.add(
          caller.send(time, service, part.first(), "images", stub -> stub.embed(request)),
          part.first());
    }
    return answers.result();
  }

  private static List<siamese.v1.Image> messages(Collection<Image> images) {
    List<siamese.v1.Image> messages = new ArrayList<>(images.size());
    images.forEach(image -> messages.add(Image.message(image)));
    return messages;
  }

  /**
   * Asks the server about itself and its default model.
   *
   * @return what it tells
   */
  public ServerInfo info() {
    return info("");
  }

  /**
   * Asks the server about itself and a model.
   *
   * @param model as of {@link CompareOptions#model}
   * @return what it tells
   */
  public ServerInfo info(String model) {
    return info(model, caller.begin(null));
  }

  private ServerInfo info(String model, Caller.Time time) {
    GetServerInfoRequest request = GetServerInfoRequest.newBuilder().setModel(model).build();
    return Wire.serverInfo(caller.send(time, service, stub -> stub.getServerInfo(request)));
  }

  private Limits limits(Caller.Time time) {
    if (limits == null) { // two threads may both ask; they are told the same
      limits = info("", time).limits();
    }
    return limits;
  }

  /**
   * Reports whether the default model is served. It is not repeated where the server can't be
   * reached.
   *
   * @return whether calls are answered
   */
  public boolean isServing() {
    return isServing("");
  }

  /**
   * Reports whether a model is served.
   *
   * @param servingName as of {@link ModelInfo#servingName}; empty: the default model
   * @return whether calls that name it are answered
   * @throws SiameseException NOT_FOUND for a model that the server does not know
   */
  public boolean isServing(String servingName) {
    String name = servingName.isEmpty() ? "" : SiameseServiceGrpc.SERVICE_NAME + "/" + servingName;
    HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(name).build();
    Caller once = new Caller(RetryPolicy.NONE, null);
    return once.send(
                caller.begin(null), HealthGrpc.newBlockingStub(channel), stub -> stub.check(request))
            .getStatus()
        == io.grpc.health.v1.HealthCheckResponse.ServingStatus.SERVING;
  }

  /**
   * The calls of galleries: pictures kept under names, and found again.
   *
   * @return them, for as long as this client is open
   */
  public Galleries galleries() {
    return new Galleries(channel, caller, this::limits, null);
  }

  /**
   * Opens a stream that the caller sends to and receives from.
   *
   * @param options how it is run
   * @return an open stream without references, which the caller closes
   */
  public CompareStream openStream(StreamOptions options) {
    return CompareStream.open(channel, caller, options);
  }

  /**
   * Scores frames against references as they come. A thread takes frames from the iterator and sends
   * them, as many at a time as the window has; the results come in the same order, each with its
   * frame's scores or its own error. Where the server drains or is lost, the stream is opened again
   * and what was not answered is sent again, as often as the retry policy allows.
   *
   * @param references by name, in the order in which scores are to come; copied
   * @param frames taken from by another thread until it ends or the results are closed
   * @param options how the stream is run
   * @return the results, which the caller closes
   * @throws SiameseException where the stream can't be opened or a reference can't be used
   */
  public FrameResults stream(
      Map<String, Image> references, Iterator<Image> frames, StreamOptions options) {
    return FrameResults.open(this, caller, references, frames, options);
  }

  /** Ends the connection; calls and streams under way fail with CANCELLED or UNAVAILABLE. */
  @Override
  public void close() {
    channel.shutdownNow();
    try {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
