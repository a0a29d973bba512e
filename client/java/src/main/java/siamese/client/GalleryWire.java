package siamese.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.grpc.Status;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import siamese.v1.EnrollResult;
import siamese.v1.IdentifyResponse;
import siamese.v1.ListEntriesResponse;
import siamese.v1.ReindexResponse;

/** The contract's messages of galleries turned into the client's own types. */
final class GalleryWire {
  private GalleryWire() {}

  static Gallery gallery(siamese.v1.Gallery gallery) {
    return new Gallery(
        gallery.getName(),
        gallery.getModel(),
        Wire.reference(gallery.getReference()),
        gallery.getEntries(),
        gallery.getStaleEntries(),
        gallery.getKeepPictures(),
        gallery.getKeepThumbnails(),
        instant(gallery.getCreated()),
        gallery.getReindexing());
  }

  private static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  static Entry entry(siamese.v1.Entry entry) {
    return new Entry(
        entry.getId(),
        entry.getThing(),
        Collections.unmodifiableSortedMap(new TreeMap<>(entry.getMetadataMap())),
        entry.getPictureSha256(),
        entry.getModelDigest(),
        instant(entry.getEnrolled()),
        Wire.familiarity(entry.hasFamiliarity(), entry.getFamiliarity()),
        picture(entry.getThumbnailJpeg()),
        picture(entry.getPicture()),
        entry.hasEmbedding()
            ? Optional.of(Embedding.of(entry.getEmbedding()))
            : Optional.empty());
  }

  private static Optional<KeptPicture> picture(ByteString file) {
    return file.isEmpty() ? Optional.empty() : Optional.of(new KeptPicture(file));
  }

  static EntryPage page(ListEntriesResponse reply) {
    String next = reply.getNextPageToken();
    return new EntryPage(
        reply.getEntriesList().stream().map(GalleryWire::entry).toList(),
        next.isEmpty() ? Optional.empty() : Optional.of(next));
  }

  static Identification identification(IdentifyResponse reply) {
    List<ThingMatch> matches =
        reply.getMatchesList().stream()
            .map(
                match ->
                    new ThingMatch(
                        match.getThing(),
                        entry(match.getEntry()),
                        match.getSimilarity(),
                        match.getSame()))
            .toList();
    return new Identification(
        matches,
        reply.getThreshold(),
        Wire.reference(reply.getModel()),
        Wire.familiarity(reply.hasFamiliarity(), reply.getFamiliarity()),
        reply.getWarning(),
        Wire.timings(reply.getTimings()),
        reply.getSearchedEntries());
  }

  static DuplicateGroup group(siamese.v1.DuplicateGroup group) {
    return new DuplicateGroup(
        group.getEntriesList().stream()
            .map(one -> new Duplicate(entry(one.getEntry()), one.getSimilarity()))
            .toList(),
        group.getOmittedEntries());
  }

  static ReindexProgress progress(ReindexResponse reply) {
    return new ReindexProgress(
        reply.getEncoded(),
        reply.getMissing(),
        reply.getEntries(),
        reply.getDone(),
        List.copyOf(reply.getMissingIdsList()));
  }

  static EnrolledEntry enrolled(EnrollResult result) {
    EnrollStatus status =
        switch (result.getStatus()) {
          case ENROLL_STATUS_ADDED -> EnrollStatus.ADDED;
          case ENROLL_STATUS_REPLACED -> EnrollStatus.REPLACED;
          case ENROLL_STATUS_UNCHANGED -> EnrollStatus.UNCHANGED;
          default -> throw unexpected(
              "the status " + result.getStatusValue() + " of an entry", "a known one");
        };
    return new EnrolledEntry(
        status,
        Wire.familiarity(result.hasFamiliarity(), result.getFamiliarity()),
        result.getWarning());
  }

  /** A server that does not keep to the contract. */
  static SiameseException unexpected(String received, String expected) {
    return SiameseException.plain(
        Status.Code.INTERNAL, "received " + received + ", expected " + expected);
  }
}
