package siamese.client;

import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractBlockingStub;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a server tells of one request in many messages. The call is made at once, and again where that
 * helps until its first message has come. For one thread at a time, but {@link #close} may come from
 * any.
 *
 * @param <M> the messages' type
 * @param <A> what is made of them
 */
final class Answers<M, A> implements Iterator<A>, AutoCloseable {
  /** What a message tells: an answer, the end of all, or both. */
  record Told<A>(Optional<A> answer, boolean last) {}

  private final Function<Caller.Time, Iterator<M>> begin;
  private final Function<M, Told<A>> read;
  private final Caller caller;
  private final Caller.Time time;
  private Iterator<M> messages; // of the call under way
  private int attempt;
  private boolean heard; // something of this call
  private boolean done; // the last message is read
  private A next; // taken and not yet given

  // Guarded by this:
  private Context.CancellableContext context;
  private boolean closed;

  private Answers(
      Caller caller,
      Caller.Time time,
      Function<Caller.Time, Iterator<M>> begin,
      Function<M, Told<A>> read) {
    this.caller = caller;
    this.time = time;
    this.begin = begin;
    this.read = read;
  }

  /** Makes the call; what is wrong with it is thrown by {@link #hasNext}. */
  static <S extends AbstractBlockingStub<S>, M, A> Answers<M, A> of(
      Caller caller,
      Caller.Time time,
      S stub,
      Function<S, Iterator<M>> call,
      Function<M, Told<A>> read) {
    Answers<M, A> answers =
        new Answers<>(caller, time, until -> call.apply(until.bound(stub)), read);
    answers.begin();
    return answers;
  }

  private synchronized void begin() {
    if (closed) {
      return;
    }
    attempt++;
    context = Context.current().withCancellation(); // a blocking stub's call has no other end
    Context before = context.attach();
    try {
      messages = begin.apply(time);
    } finally {
      context.detach(before);
    }
  }

  @Override
  public boolean hasNext() {
    try {
      while (next == null && !done && !isClosed()) {
        receive();
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    if (next == null) {
      close();
    }
    return next != null;
  }

  /** Takes one message, or makes the call again. */
  private void receive() {
    try {
      if (!messages.hasNext()) {
        throw GalleryWire.unexpected(
            "the end of the answers", "the message that says that they are all");
      }
      heard = true;
      Told<A> told = read.apply(messages.next());
      done = told.last();
      next = told.answer().orElse(null);
    } catch (StatusRuntimeException e) {
      if (isClosed()) { // by another thread, meanwhile
        return;
      }
      SiameseException failure = SiameseException.of(e);
      if (heard) {
        throw failure;
      }
      caller.pause(attempt, failure, time.endOfStream());
      begin();
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public A next() {
    if (!hasNext()) {
      throw new NoSuchElementException("all is told, or the call is closed");
    }
    A answer = next;
    next = null;
    return answer;
  }

  @Override
  public synchronized void close() {
    closed = true;
    context.cancel(null);
  }
}
