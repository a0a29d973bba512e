#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "impl.h"
#include "stream_wire.h"

namespace siamese {

// Stream::Relay takes frames from a source by a thread of its own and hands results to a
// sink, over one stream after another.
class Stream::Relay {
 public:
  Relay(Client& client, const internal::Caller& caller, const std::vector<NamedImage>& references,
        const StreamOptions& options)
      : client_(client), caller_(caller), references_(references), options_(options) {
    wire_ = open();
  }

  void run(const Client::FrameSource& source, const Client::ResultSink& sink) {
    std::thread pump([&] { this->pump(source); });
    std::exception_ptr thrown;
    try {
      receive(sink);
    } catch (...) {
      thrown = std::current_exception();
    }
    close();
    pump.join();
    if (thrown) {
      std::rethrow_exception(thrown);
    }
    if (source_threw_) {
      std::rethrow_exception(source_threw_);
    }
  }

 private:
  std::shared_ptr<Wire> open() {
    Stream fresh = client_.open_stream(options_);
    for (const NamedImage& reference : references_) {
      fresh.set_reference(reference.name, reference.image);
    }
    return fresh.wire_;
  }

  void pump(const Client::FrameSource& source) {
    std::exception_ptr thrown;
    try {
      while (const auto frame = source()) {
        if (!send(*frame)) {
          return;
        }
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    exhausted_ = true;
    source_threw_ = thrown;
    wire_->finish();
  }

  // send sends to the stream that is open, or to the one after it; false: none comes.
  bool send(const Image& frame) {
    for (;;) {
      const auto to = current();
      if (to->draining()) {
        to->finish();
      } else if (try_send(*to, frame)) {
        return true;
      }
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return wire_ != to || closed_; });
      if (closed_) {
        return false;
      }
    }
  }

  static bool try_send(Wire& to, const Image& frame) {
    try {
      to.send(frame);
      return true;
    } catch (const Error&) {  // the receiving thread learns it, too, and opens another
      return false;
    }
  }

  std::shared_ptr<Wire> current() {
    const std::lock_guard lock(mutex_);
    return wire_;
  }

  bool exhausted() {
    const std::lock_guard lock(mutex_);
    return exhausted_;
  }

  void receive(const Client::ResultSink& sink) {
    for (int fruitless = 0;;) {
      const auto from = current();
      Error why = internal::plain(Code::unavailable, "the server ended the stream");
      std::optional<FrameResult> result;
      bool ended = false;
      try {
        result = from->receive();
        ended = !result;
      } catch (const Error& e) {
        why = e;
      }
      if (result) {
        fruitless = 0;
        sink(*result);  // outside of try: an Error of the caller's own is the caller's
        continue;
      }
      if (ended && exhausted()) {
        return;
      }
      reopen(*from, why, ++fruitless);
    }
  }

  // reopen opens another stream and sends again what the old one did not answer.
  void reopen(Wire& old, const Error& why, int attempt) {
    const bool movable = old.draining() || why.code() == Code::unavailable;
    if (!movable || caller_.policy().attempts == 1) {
      throw why;
    }
    if (attempt > 1) {
      caller_.pause(attempt, why, caller_.begin(options_.deadline).end_of_request());
    }
    const auto fresh = open();
    const std::lock_guard lock(mutex_);
    fresh->start_at(old.next_id());
    for (const Wire::Sent& frame : old.unanswered()) {
      fresh->send_again(frame);
    }
    if (exhausted_) {
      fresh->finish();
    }
    wire_ = fresh;
    changed_.notify_all();
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wire_->cancel();
    changed_.notify_all();
  }

  Client& client_;
  const internal::Caller& caller_;
  const std::vector<NamedImage>& references_;
  const StreamOptions& options_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::shared_ptr<Wire> wire_;
  bool exhausted_ = false;  // the source has no more
  bool closed_ = false;
  std::exception_ptr source_threw_;
};

void Client::stream(const std::vector<NamedImage>& references, const FrameSource& source,
                    const ResultSink& sink, const StreamOptions& options) {
  Stream::Relay(*this, impl_->caller, references, options).run(source, sink);
}

}  // namespace siamese
