package siamese.client;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import siamese.v1.GetServerInfoResponse;

/** The contract's messages turned into the client's own types. */
final class Wire {
  private Wire() {}

  static Duration duration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  static Timings timings(siamese.v1.Timings timings) {
    return new Timings(
        duration(timings.getDecode()),
        duration(timings.getQueue()),
        duration(timings.getEncode()),
        duration(timings.getCompare()),
        duration(timings.getTotal()));
  }

  static ModelReference reference(siamese.v1.ModelReference model) {
    return new ModelReference(model.getName(), model.getVersion(), model.getDigest());
  }

  static Optional<Familiarity> familiarity(boolean has, siamese.v1.Familiarity familiarity) {
    return has
        ? Optional.of(new Familiarity(familiarity.getValue(), familiarity.getForeign()))
        : Optional.empty();
  }

  static Optional<PreparedPicture> picture(ByteString png) {
    return png.isEmpty() ? Optional.empty() : Optional.of(new PreparedPicture(png));
  }

  static Comparison comparison(siamese.v1.CompareResponse reply) {
    PairScore score =
        new PairScore(
            reply.getSimilarity(),
            reply.getSame(),
            reference(reply.getModel()),
            familiarity(reply.hasFamiliarityA(), reply.getFamiliarityA()),
            familiarity(reply.hasFamiliarityB(), reply.getFamiliarityB()),
            reply.getWarning(),
            picture(reply.getPreparedAPng()),
            picture(reply.getPreparedBPng()));
    return new Comparison(score, reply.getThreshold(), timings(reply.getTimings()));
  }

  /** The score of one pair; model is that of the whole reply. */
  static PairScore pairScore(siamese.v1.PairScore score, ModelReference model) {
    return new PairScore(
        score.getSimilarity(),
        score.getSame(),
        score.hasModel() ? reference(score.getModel()) : model,
        familiarity(score.hasFamiliarityA(), score.getFamiliarityA()),
        familiarity(score.hasFamiliarityB(), score.getFamiliarityB()),
        score.getWarning(),
        picture(score.getPreparedAPng()),
        picture(score.getPreparedBPng()));
  }

  /** A candidate, its index moved by offset; model is that of the whole reply. */
  static Match match(siamese.v1.RankedCandidate ranked, int offset, ModelReference model) {
    return new Match(
        ranked.getIndex() + offset,
        ranked.getSimilarity(),
        ranked.getSame(),
        ranked.hasModel() ? reference(ranked.getModel()) : model,
        familiarity(ranked.hasFamiliarity(), ranked.getFamiliarity()),
        ranked.getWarning(),
        picture(ranked.getPreparedPng()));
  }

  static EmbeddedImage embedded(siamese.v1.EmbedResult result) {
    return new EmbeddedImage(
        Embedding.of(result.getEmbedding()),
        familiarity(result.hasFamiliarity(), result.getFamiliarity()),
        result.getWarning(),
        picture(result.getPreparedPng()));
  }

  static ServerInfo serverInfo(GetServerInfoResponse reply) {
    siamese.v1.Access access = reply.getAccess();
    siamese.v1.BuildInfo build = reply.getBuild();
    return new ServerInfo(
        modelInfo(reply.getModel()),
        reply.getModelsList().stream().map(Wire::modelInfo).toList(),
        reply.getDefaultModel(),
        List.copyOf(reply.getAutoModelsList()),
        limits(reply.getLimits()),
        new ServerInfo.Access(
            access.getTokenNeeded(),
            access.getCallsPerSecond(),
            access.getBurst(),
            access.getConcurrentCalls()),
        new ServerInfo.BuildInfo(
            build.getVersion(), build.getRevision(), build.getGoVersion(), build.getTensorflowVersion()),
        reply.getGalleries());
  }

  private static ModelInfo modelInfo(siamese.v1.ModelInfo model) {
    return new ModelInfo(
        reference(model.getReference()),
        model.getServingName(),
        model.getTitle(),
        model.getKnows(),
        model.getInputWidth(),
        model.getInputHeight(),
        model.getEmbeddingLength(),
        model.getThreshold(),
        model.getFamiliarityBound(),
        model.getResizeRule(),
        model.getDevice(),
        model.getPrecision());
  }

  private static Limits limits(siamese.v1.Limits limits) {
    return new Limits(
        limits.getMaxMessageBytes(),
        limits.getMaxImageBytes(),
        limits.getMaxImagePixels(),
        limits.getMaxSideRatio(),
        limits.getMaxPairs(),
        limits.getMaxCandidates(),
        limits.getMaxImages(),
        limits.getMaxTestTimeViews(),
        limits.getMaxStreamReferences(),
        limits.getMaxStreamWindow(),
        limits.getMaxQueuedImages(),
        limits.getMaxStreams(),
        limits.getMaxCalls(),
        limits.getMemoryBytes(),
        duration(limits.getDefaultDeadline()),
        duration(limits.getMaxDeadline()),
        List.copyOf(limits.getImageFormatsList()));
  }
}
