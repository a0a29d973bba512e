#include "stream_wire.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "convert.h"

namespace siamese {
namespace {

// Of results that nobody has taken, where the window does not bound them.
constexpr std::size_t max_untaken = 1000;

v1::StreamCompareRequest opening(const StreamOptions& options) {
  v1::StreamCompareRequest request;
  v1::StreamOpening& message = *request.mutable_opening();
  message.set_window(options.window);
  message.set_drop_policy(options.drop_policy == DropPolicy::latest ? v1::DROP_POLICY_LATEST
                                                                    : v1::DROP_POLICY_NONE);
  internal::fill(*message.mutable_options(), options);
  return request;
}

}  // namespace

Stream::Wire::Wire(const internal::Caller& caller, v1::SiameseService::Stub& service,
                   const StreamOptions& options)
    : caller_(caller), options_(options) {
  caller.prepare(context_);
  stream_ = service.StreamCompare(&context_);
  receiver_ = std::thread([this] { run(); });
}

Stream::Wire::~Wire() {
  cancel();
  receiver_.join();
}

std::shared_ptr<Stream::Wire> Stream::Wire::open(const internal::Caller& caller,
                                                 v1::SiameseService::Stub& service,
                                                 const StreamOptions& options) {
  const auto end = caller.begin(options.deadline).end_of_request();
  for (int attempt = 1;; ++attempt) {
    auto wire = std::make_shared<Wire>(caller, service, options);
    try {
      auto answer = wire->ask(opening(options), v1::StreamCompareResponse::kOpened);
      const std::lock_guard lock(wire->mutex_);
      wire->opened_ = answer.opened();
      return wire;
    } catch (const Error& e) {
      caller.pause(attempt, e, end);
    }
  }
}

v1::StreamCompareResponse Stream::Wire::ask(const v1::StreamCompareRequest& request,
                                            v1::StreamCompareResponse::MessageCase expected) {
  const auto end = caller_.begin(options_.deadline).end_of_request();
  const auto owed = std::make_shared<Owed>();
  {
    const std::lock_guard sending(sending_);
    std::unique_lock lock(mutex_);
    push(request, owed, lock);
  }
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, end, [&] { return owed->answer || ended_; })) {
    throw internal::plain(Code::deadline_exceeded,
                          "the stream's answer did not come within the deadline");
  }
  if (!owed->answer) {
    throw broken();
  }
  if (owed->answer->has_item_failed()) {
    throw internal::to_error(owed->answer->item_failed().error());
  }
  if (owed->answer->message_case() != expected) {
    throw internal::plain(Code::internal, "received the message " +
                                              std::to_string(owed->answer->message_case()) +
                                              " of the stream, expected " + std::to_string(expected));
  }
  return *owed->answer;
}

std::uint64_t Stream::Wire::send(const Image& image) {
  v1::StreamCompareRequest request;
  internal::fill(*request.mutable_frame()->mutable_image(), image);
  const auto owed = std::make_shared<Owed>();
  for (;;) {
    std::unique_lock lock(mutex_);
    // Not while sending: answers, which make room, may be to messages that others send.
    changed_.wait(lock, [&] { return ended_ || finished_ || has_room(); });
    lock.unlock();
    const std::lock_guard sending(sending_);
    lock.lock();
    check_open();
    if (!has_room()) {  // another sender was first
      continue;
    }
    const std::uint64_t id = next_id_++;
    request.mutable_frame()->set_id(id);
    owed->frame = Sent{id, std::chrono::steady_clock::now(), image};
    push(request, owed, lock);
    return id;
  }
}

void Stream::Wire::send_again(const Sent& frame) {
  v1::StreamCompareRequest request;
  request.mutable_frame()->set_id(frame.id);
  internal::fill(*request.mutable_frame()->mutable_image(), frame.image);
  const auto owed = std::make_shared<Owed>();
  owed->frame = frame;
  const std::lock_guard sending(sending_);
  std::unique_lock lock(mutex_);
  next_id_ = frame.id + 1;
  push(request, owed, lock);
}

void Stream::Wire::start_at(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  next_id_ = id;
}

std::uint64_t Stream::Wire::next_id() const {
  const std::lock_guard lock(mutex_);
  return next_id_;
}

void Stream::Wire::check_open() const {
  if (ended_) {
    throw broken();
  }
  if (finished_) {
    throw std::logic_error("received a message after finish, expected none");
  }
}

// push is called with sending_ taken, and with the lock on mutex_, which it gives up.
void Stream::Wire::push(const v1::StreamCompareRequest& request, std::shared_ptr<Owed> owed,
                        std::unique_lock<std::mutex>& lock) {
  check_open();
  frames_owed_ += owed->frame ? 1 : 0;
  owed_.push_back(std::move(owed));
  lock.unlock();
  stream_->Write(request);  // false: the stream has ended, and the receiver learns why
}

bool Stream::Wire::has_room() const {
  if (options_.drop_policy == DropPolicy::latest) {
    return results_.size() < max_untaken;
  }
  return frames_owed_ + results_.size() < std::max<std::size_t>(1, opened_.window());
}

void Stream::Wire::run() {
  v1::StreamCompareResponse response;
  while (stream_->Read(&response)) {
    const std::lock_guard lock(mutex_);
    take(response);
    changed_.notify_all();
  }
  const std::lock_guard sending(sending_);  // a Write under way fails first
  const grpc::Status status = stream_->Finish();
  const std::lock_guard lock(mutex_);
  if (!status.ok()) {
    end(internal::to_error(status));
  } else if (!owed_.empty()) {
    end(internal::plain(Code::unavailable, "the server ended the stream"));
  } else {
    end(std::nullopt);
  }
  changed_.notify_all();
}

void Stream::Wire::take(const v1::StreamCompareResponse& response) {
  if (response.has_draining()) {  // answers nothing
    draining_ = true;
    return;
  }
  if (response.has_frames_dropped()) {
    take_dropped(response.frames_dropped());
    return;
  }
  if (owed_.empty()) {
    breach("a message", "none: all is answered");
    return;
  }
  const auto owed = owed_.front();
  owed_.pop_front();
  if (!owed->frame) {
    owed->answer = response;
    return;
  }
  --frames_owed_;
  take_frame(*owed->frame, response);
}

void Stream::Wire::take_dropped(const v1::FramesDropped& dropped) {
  for (const std::uint64_t id : dropped.ids()) {
    if (owed_.empty() || !owed_.front()->frame || owed_.front()->frame->id != id) {
      breach("that frame " + std::to_string(id) + " is dropped", "another answer");
      return;
    }
    results_.push_back({id, owed_.front()->frame->at, std::nullopt, std::nullopt});
    owed_.pop_front();
    --frames_owed_;
  }
}

void Stream::Wire::take_frame(const Sent& frame, const v1::StreamCompareResponse& response) {
  FrameResult result{frame.id, frame.at, std::nullopt, std::nullopt};
  if (response.has_frame_scored() && response.frame_scored().id() == frame.id) {
    result.scores = internal::to_frame(response.frame_scored(), opened_);
  } else if (response.has_item_failed()) {
    result.error = internal::to_error(response.item_failed().error());
  } else {
    breach("another answer", "that to frame " + std::to_string(frame.id));
    return;
  }
  results_.push_back(std::move(result));
}

void Stream::Wire::end(std::optional<Error> why) {
  if (!ended_) {
    ended_ = true;
    failure_ = std::move(why);
  }
}

// breach ends what can't be understood any further: the server does not keep to the
// contract.
void Stream::Wire::breach(const std::string& received, const std::string& expected) {
  end(internal::plain(Code::internal, "received " + received + ", expected " + expected));
  context_.TryCancel();
}

Error Stream::Wire::broken() const {
  return failure_ ? *failure_ : internal::plain(Code::unavailable, "the server ended the stream");
}

std::optional<FrameResult> Stream::Wire::receive() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !results_.empty() || ended_; });
  if (results_.empty()) {
    if (failure_) {
      throw *failure_;
    }
    return std::nullopt;
  }
  FrameResult result = std::move(results_.front());
  results_.pop_front();
  changed_.notify_all();
  return result;
}

void Stream::Wire::finish() {
  const std::lock_guard sending(sending_);
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true) || ended_) {
      return;
    }
    changed_.notify_all();
  }
  stream_->WritesDone();
}

void Stream::Wire::cancel() {
  {
    const std::lock_guard lock(mutex_);
    end(internal::plain(Code::cancelled, "the stream is closed"));
    changed_.notify_all();
  }
  context_.TryCancel();
}

bool Stream::Wire::draining() const {
  const std::lock_guard lock(mutex_);
  return draining_;
}

v1::StreamOpened Stream::Wire::opened() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

std::vector<Stream::Wire::Sent> Stream::Wire::unanswered() const {
  const std::lock_guard lock(mutex_);
  std::vector<Sent> frames;
  for (const auto& owed : owed_) {
    if (owed->frame) {
      frames.push_back(*owed->frame);
    }
  }
  return frames;
}

}  // namespace siamese
