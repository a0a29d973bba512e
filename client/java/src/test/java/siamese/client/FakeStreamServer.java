package siamese.client;

import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import siamese.v1.Draining;
import siamese.v1.FramesDropped;
import siamese.v1.ItemFailed;
import siamese.v1.StreamCompareRequest;
import siamese.v1.StreamCompareResponse;
import siamese.v1.StreamOpened;

/** Streams of the fake: a frame of one byte 200 is reported dropped, and of 255 fails. */
final class FakeStreamServer extends FakeServer {
  final AtomicInteger streams = new AtomicInteger();
  volatile int breakAfter = Integer.MAX_VALUE; // frames of the first stream, which then breaks
  volatile int drainAfter = Integer.MAX_VALUE; // frames of the first stream, which then drains

  FakeStreamServer() throws IOException {}

  @Override
  public StreamObserver<StreamCompareRequest> streamCompare(
      StreamObserver<StreamCompareResponse> reply) {
    boolean first = streams.incrementAndGet() == 1;
    return new StreamObserver<>() {
      private int frames;
      private boolean broken;

      @Override
      public void onNext(StreamCompareRequest request) {
        StreamCompareResponse.Builder answer = StreamCompareResponse.newBuilder();
        switch (request.getMessageCase()) {
          case OPENING -> answer.setOpened(
              StreamOpened.newBuilder().setWindow(Math.max(1, request.getOpening().getWindow())));
          case SET_REFERENCE -> {
            String name = request.getSetReference().getName();
            if (isBad(request.getSetReference().getImage())) {
              answer.setItemFailed(
                  ItemFailed.newBuilder().setReference(name).setError(bad("set_reference.image")));
            } else {
              answer.getReferenceSetBuilder().setName(name);
            }
          }
          default -> {
            if (first && ++frames > breakAfter) {
              if (broken) {
                return;
              }
              broken = true;
              reply.onError(failure(io.grpc.Status.Code.UNAVAILABLE, "DRAINING", "", null));
              return;
            }
            scoreFrame(request, answer);
          }
        }
        reply.onNext(answer.build());
        if (first && frames == drainAfter) {
          reply.onNext(
              StreamCompareResponse.newBuilder().setDraining(Draining.getDefaultInstance()).build());
        }
      }

      @Override
      public void onError(Throwable thrown) {}

      @Override
      public void onCompleted() {
        if (!broken) {
          reply.onCompleted();
        }
      }
    };
  }

  private static void scoreFrame(
      StreamCompareRequest request, StreamCompareResponse.Builder answer) {
    long id = request.getFrame().getId();
    siamese.v1.Image image = request.getFrame().getImage();
    if (isBad(image)) {
      answer.setItemFailed(ItemFailed.newBuilder().setId(id).setError(bad("frame.image")));
    } else if (image.getEncoded().byteAt(0) == (byte) 200) {
      answer.setFramesDropped(FramesDropped.newBuilder().addIds(id));
    } else {
      answer.getFrameScoredBuilder().setId(id).addScoresBuilder().setSimilarity(score(image));
    }
  }
}
