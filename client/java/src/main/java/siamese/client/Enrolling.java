package siamese.client;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import siamese.v1.EnrollRequest;
import siamese.v1.EnrollResponse;
import siamese.v1.GalleryServiceGrpc;

/**
 * Entries of one gallery on their way. They are taken as the connection takes them; what was taken is
 * not kept but for the first, so that the call can be made again until a second one is sent. For one
 * thread.
 */
final class Enrolling {
  private static final int MAX_FAILURES = 1000; // that are told, as by the server

  private final Caller caller;
  private final GalleryServiceGrpc.GalleryServiceStub stub;
  private final EnrollRequest opening;
  private final Iterator<NewEntry> entries;
  private final long maxMessageBytes;
  private final List<EnrollFailure> refused = new ArrayList<>(); // those that no message takes
  private EnrollRequest first;
  private long taken;
  private long sent;
  private boolean taking; // what is thrown meanwhile is the caller's own

  Enrolling(
      Caller caller,
      GalleryServiceGrpc.GalleryServiceStub stub,
      String gallery,
      Iterator<NewEntry> entries,
      long maxMessageBytes) {
    this.caller = caller;
    this.stub = stub;
    this.opening = EnrollRequest.newBuilder().setGallery(gallery).build();
    this.entries = entries;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Makes the call, and again where that may be. */
  Enrollment run(Caller.Time time) {
    for (int attempt = 1; ; attempt++) {
      EnrollWire wire = new EnrollWire();
      try {
        time.bound(stub).enroll(wire);
        return enrollment(send(wire));
      } catch (SiameseException e) {
        if (taking || sent > 1) {
          throw e;
        }
        caller.pause(attempt, e, time.endOfStream());
      } finally {
        wire.cancel();
      }
    }
  }

  private EnrollResponse send(EnrollWire wire) {
    wire.send(opening);
    if (first != null) {
      wire.send(first);
    }
    while (wire.awaitRoom()) {
      EnrollRequest request = take();
      if (request == null) {
        break;
      }
      sent++;
      first = sent == 1 ? request : null;
      wire.send(request);
    }
    return wire.finish();
  }

  /** Takes the next entry that a message has room for; null: there is none. */
  private EnrollRequest take() {
    taking = true;
    EnrollRequest request = null;
    while (request == null && entries.hasNext()) {
      NewEntry entry = entries.next();
      long index = taken++;
      Objects.requireNonNull(entry, () -> "received null as entry " + index + ", expected an entry");
      request = EnrollRequest.newBuilder().setEntry(entry.message()).build();
      int bytes = request.getSerializedSize();
      if (maxMessageBytes > 0 && bytes > maxMessageBytes) {
        refused.add(
            new EnrollFailure(
                entry.id(), index, SiameseException.tooLarge(bytes, maxMessageBytes, "entry")));
        request = null;
      }
    }
    taking = false;
    return request;
  }

  private Enrollment enrollment(EnrollResponse reply) {
    List<EnrollFailure> failures = new ArrayList<>(refused);
    for (siamese.v1.EnrollFailure failed : reply.getFailuresList()) {
      failures.add(
          new EnrollFailure(
              failed.getId(),
              place(failed.getIndex()),
              SiameseException.ofItem(failed.getError(), 0, "")));
    }
    failures.sort(Comparator.comparing(EnrollFailure::index));
    return new Enrollment(
        reply.getAdded(),
        reply.getReplaced(),
        reply.getUnchanged(),
        reply.getFailed() + refused.size(),
        List.copyOf(failures.subList(0, Math.min(failures.size(), MAX_FAILURES))));
  }

  /** The place among all entries of one that has this place among those that were sent. */
  private long place(long index) {
    long place = index;
    for (EnrollFailure before : refused) {
      if (before.index() <= place) {
        place++;
      }
    }
    return place;
  }
}
