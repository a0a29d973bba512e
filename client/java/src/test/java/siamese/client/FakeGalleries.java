package siamese.client;

import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import siamese.v1.BatchEnrollRequest;
import siamese.v1.BatchEnrollResponse;
import siamese.v1.DeleteGalleryRequest;
import siamese.v1.DeleteGalleryResponse;
import siamese.v1.EnrollRequest;
import siamese.v1.EnrollResponse;
import siamese.v1.EnrollStatus;
import siamese.v1.FindDuplicatesRequest;
import siamese.v1.FindDuplicatesResponse;
import siamese.v1.GalleryServiceGrpc;
import siamese.v1.GetEntryRequest;
import siamese.v1.GetEntryResponse;
import siamese.v1.IdentifyRequest;
import siamese.v1.IdentifyResponse;
import siamese.v1.ListEntriesRequest;
import siamese.v1.ListEntriesResponse;
import siamese.v1.ReindexRequest;
import siamese.v1.ReindexResponse;

/**
 * Galleries of the fake: it tells what the test has put into it, keeps what it is asked, and fails
 * calls as told. An entry whose image begins with byte 255 is bad.
 */
final class FakeGalleries extends GalleryServiceGrpc.GalleryServiceImplBase {
  /** How Enroll goes. */
  enum Taking {
    /** It answers when all have come. */
    ALL,
    /** It answers before the end, as no server should. */
    ANSWERS_EARLY,
    /** It reads nothing. */
    READS_NOTHING
  }

  final Queue<StatusRuntimeException> failures = new ConcurrentLinkedQueue<>();
  final List<Object> requests = new CopyOnWriteArrayList<>();
  final List<List<EnrollRequest>> enrolls = new CopyOnWriteArrayList<>();
  final List<FindDuplicatesResponse> duplicates = new CopyOnWriteArrayList<>();
  final List<ReindexResponse> progress = new CopyOnWriteArrayList<>();
  final CountDownLatch cancelled = new CountDownLatch(1);
  volatile boolean hangs; // at the end of duplicates
  volatile StatusRuntimeException failsAtEnd; // of duplicates
  volatile int enrollFailsAfter = Integer.MAX_VALUE; // messages of the first Enroll
  volatile Taking taking = Taking.ALL;
  volatile IdentifyResponse identification = IdentifyResponse.getDefaultInstance();
  volatile siamese.v1.Entry entry = siamese.v1.Entry.getDefaultInstance();

  private boolean fails(Object request, StreamObserver<?> reply) {
    requests.add(request);
    StatusRuntimeException failure = failures.poll();
    if (failure != null) {
      reply.onError(failure);
    }
    return failure != null;
  }

  private <T> void answer(Object request, StreamObserver<T> reply, T answer) {
    if (!fails(request, reply)) {
      reply.onNext(answer);
      reply.onCompleted();
    }
  }

  @Override
  public void deleteGallery(
      DeleteGalleryRequest request, StreamObserver<DeleteGalleryResponse> reply) {
    answer(request, reply, DeleteGalleryResponse.newBuilder().setEntries(7).build());
  }

  @Override
  public void getEntry(GetEntryRequest request, StreamObserver<GetEntryResponse> reply) {
    answer(request, reply, GetEntryResponse.newBuilder().setEntry(entry).build());
  }

  @Override
  public void identify(IdentifyRequest request, StreamObserver<IdentifyResponse> reply) {
    answer(request, reply, identification);
  }

  /** Three pages, of which the second is empty. */
  @Override
  public void listEntries(ListEntriesRequest request, StreamObserver<ListEntriesResponse> reply) {
    ListEntriesResponse.Builder page = ListEntriesResponse.newBuilder();
    switch (request.getPageToken()) {
      case "" -> {
        page.addEntriesBuilder().setId("a");
        page.addEntriesBuilder().setId("b");
        page.setNextPageToken("second");
      }
      case "second" -> page.setNextPageToken("third");
      default -> page.addEntriesBuilder().setId("c");
    }
    answer(request, reply, page.build());
  }

  @Override
  public void batchEnroll(BatchEnrollRequest request, StreamObserver<BatchEnrollResponse> reply) {
    BatchEnrollResponse.Builder answer = BatchEnrollResponse.newBuilder();
    answer.getTimingsBuilder().getTotalBuilder().setSeconds(1);
    for (int i = 0; i < request.getEntriesCount(); i++) {
      if (FakeServer.isBad(request.getEntries(i).getImage())) {
        answer.addResultsBuilder().setError(FakeServer.bad("entries[" + i + "].image"));
      } else {
        answer.addResultsBuilder().setStatus(EnrollStatus.ENROLL_STATUS_REPLACED).setWarning("w");
      }
    }
    if (request.getGallery().equals("short")) {
      answer.removeResults(0);
    }
    answer(request, reply, answer.build());
  }

  @Override
  public StreamObserver<EnrollRequest> enroll(StreamObserver<EnrollResponse> reply) {
    List<EnrollRequest> seen = new CopyOnWriteArrayList<>();
    enrolls.add(seen);
    int failsAfter = enrolls.size() == 1 ? enrollFailsAfter : Integer.MAX_VALUE;
    if (taking == Taking.READS_NOTHING) {
      ((ServerCallStreamObserver<EnrollResponse>) reply).disableAutoRequest();
    }
    return new StreamObserver<>() {
      private boolean ended;

      @Override
      public void onNext(EnrollRequest request) {
        seen.add(request);
        if (seen.size() == failsAfter) {
          ended = true;
          reply.onError(
              FakeServer.failure(io.grpc.Status.Code.UNAVAILABLE, "NOT_READY", "", 1L));
        } else if (taking == Taking.ANSWERS_EARLY && seen.size() == 1) {
          onCompleted();
        }
      }

      @Override
      public void onError(Throwable thrown) {
        cancelled.countDown();
      }

      @Override
      public void onCompleted() {
        if (!ended) {
          ended = true;
          reply.onNext(enrolled(seen));
          reply.onCompleted();
        }
      }
    };
  }

  private static EnrollResponse enrolled(List<EnrollRequest> seen) {
    EnrollResponse.Builder answer = EnrollResponse.newBuilder().setReplaced(2).setUnchanged(3);
    List<EnrollRequest> entries = new ArrayList<>(seen);
    entries.removeIf(request -> !request.hasEntry());
    for (int i = 0; i < entries.size(); i++) {
      siamese.v1.NewEntry entry = entries.get(i).getEntry();
      if (FakeServer.isBad(entry.getImage())) {
        answer.setFailed(answer.getFailed() + 1);
        answer
            .addFailuresBuilder()
            .setId(entry.getId())
            .setIndex(i)
            .setError(FakeServer.bad("entry.image"));
      } else {
        answer.setAdded(answer.getAdded() + 1);
      }
    }
    return answer.build();
  }

  @Override
  public void findDuplicates(
      FindDuplicatesRequest request, StreamObserver<FindDuplicatesResponse> reply) {
    ((ServerCallStreamObserver<FindDuplicatesResponse>) reply)
        .setOnCancelHandler(cancelled::countDown);
    if (fails(request, reply)) {
      return;
    }
    duplicates.forEach(reply::onNext);
    if (failsAtEnd != null) {
      reply.onError(failsAtEnd);
    } else if (!hangs) {
      reply.onCompleted();
    }
  }

  @Override
  public void reindex(ReindexRequest request, StreamObserver<ReindexResponse> reply) {
    if (!fails(request, reply)) {
      progress.forEach(reply::onNext);
      reply.onCompleted();
    }
  }
}
