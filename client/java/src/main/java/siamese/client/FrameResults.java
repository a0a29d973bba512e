package siamese.client;

import io.grpc.Status;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * The results of a stream of frames, in the order of the frames; from {@link SiameseClient#stream}.
 * For one thread at a time, but {@link #close} may come from any. Where taking a frame from the
 * caller's iterator throws, {@link #next} throws that once the frames before it are answered.
 */
public final class FrameResults implements Iterator<FrameResult>, AutoCloseable {
  private final SiameseClient client;
  private final Caller caller;
  private final Map<String, Image> references;
  private final StreamOptions options;
  private final Thread pump;
  private FrameResult next; // taken and not yet given

  // Guarded by this:
  private CompareStream stream;
  private boolean exhausted; // the iterator has no more
  private RuntimeException broken; // what the iterator threw
  private boolean closed;

  private FrameResults(
      SiameseClient client, Caller caller, Map<String, Image> references, Iterator<Image> frames, StreamOptions options) {
    this.client = client;
    this.caller = caller;
    this.references = references;
    this.options = options;
    this.stream = openStream();
    this.pump = new Thread(() -> pump(frames), "siamese-frames");
    pump.setDaemon(true); // an iterator that waits for a camera may wait for ever
  }

  static FrameResults open(
      SiameseClient client, Caller caller, Map<String, Image> references, Iterator<Image> frames, StreamOptions options) {
    FrameResults results =
        new FrameResults(client, caller, new LinkedHashMap<>(references), frames, options);
    results.pump.start();
    return results;
  }

  private CompareStream openStream() {
    CompareStream fresh = client.openStream(options);
    try {
      references.forEach(fresh::setReference);
      return fresh;
    } catch (RuntimeException e) {
      fresh.close();
      throw e;
    }
  }

  private void pump(Iterator<Image> frames) {
    RuntimeException failure = null;
    try {
      for (long id = 0; frames.hasNext(); id++) {
        if (!send(new CompareStream.Sent(id, Instant.now(), frames.next()))) {
          return;
        }
      }
    } catch (RuntimeException e) {
      failure = e;
    }
    synchronized (this) {
      exhausted = true;
      broken = failure;
      stream.finish();
    }
  }

  /** Sends to the stream that is open, or to the one after it; false: none comes. */
  private boolean send(CompareStream.Sent frame) {
    while (true) {
      CompareStream to = current();
      if (to.isDraining()) {
        to.finish();
      } else if (trySend(to, frame)) {
        return true;
      }
      if (!awaitAfter(to)) {
        return false;
      }
    }
  }

  private boolean trySend(CompareStream to, CompareStream.Sent frame) {
    try {
      to.send(frame, true);
      return true;
    } catch (SiameseException e) { // the receiving thread learns it, too, and opens another
      return false;
    }
  }

  private synchronized CompareStream current() {
    return stream;
  }

  private synchronized boolean awaitAfter(CompareStream old) {
    try {
      while (stream == old && !closed) {
        wait();
      }
      return !closed;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /**
   * Reports whether there is another result, waiting for it.
   *
   * @throws SiameseException what ended the stream for good
   */
  @Override
  public boolean hasNext() {
    int fruitless = 0;
    while (next == null) {
      CompareStream from = current();
      SiameseException failure = null;
      try {
        Optional<FrameResult> result = from.receive();
        if (result.isPresent()) {
          next = result.get();
          break;
        }
      } catch (SiameseException e) {
        failure = e;
      }
      if (failure == null && isDone()) {
        close();
        throwBroken();
        return false;
      }
      reopen(from, failure, ++fruitless);
    }
    return true;
  }

  private synchronized boolean isDone() {
    return exhausted || closed;
  }

  private synchronized void throwBroken() {
    if (broken != null) {
      throw broken;
    }
  }

  /** Opens another stream and sends again what the old one did not answer. */
  private void reopen(CompareStream old, SiameseException failure, int attempt) {
    boolean draining = old.isDraining();
    if (failure != null && !draining && failure.code() != Status.Code.UNAVAILABLE) {
      close();
      throw failure;
    }
    SiameseException why =
        failure != null ? failure : SiameseException.plain(Status.Code.UNAVAILABLE, "the server ended the stream");
    try {
      if (caller.policy().attempts() == 1) {
        throw why;
      }
      if (attempt > 1) {
        caller.pause(attempt, why, caller.begin(options.compare().deadline().orElse(null)).endOfRequest());
      }
      adopt(openStream(), old);
    } catch (SiameseException e) {
      close();
      throw e;
    }
  }

  private synchronized void adopt(CompareStream fresh, CompareStream old) {
    old.close();
    if (closed) {
      fresh.close();
      throw SiameseException.plain(Status.Code.CANCELLED, "the stream is closed");
    }
    for (CompareStream.Sent frame : old.unanswered()) {
      fresh.send(frame, false);
    }
    if (exhausted) {
      fresh.finish();
    }
    stream = fresh;
    notifyAll();
  }

  @Override
  public FrameResult next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all frames are answered");
    }
    FrameResult result = next;
    next = null;
    return result;
  }

  /** Ends the stream and stops taking frames. May be called more than once. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      stream.close();
      notifyAll();
    }
    pump.interrupt();
  }
}
