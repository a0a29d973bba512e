#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "caller.h"
#include "siamese/stream.h"
#include "siamese/v1/service.grpc.pb.h"

namespace siamese {

// Stream::Wire is the wire's end of a stream: who waits for which answer. The server answers
// each message once, in the order sent. One thread of its own receives.
class Stream::Wire {
 public:
  // Sent is a frame that was sent.
  struct Sent {
    std::uint64_t id;
    std::chrono::steady_clock::time_point at;
    Image image;
  };

  Wire(const internal::Caller& caller, v1::SiameseService::Stub& service,
       const StreamOptions& options);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // open opens a stream, again where that helps.
  static std::shared_ptr<Wire> open(const internal::Caller& caller,
                                    v1::SiameseService::Stub& service,
                                    const StreamOptions& options);

  // ask sends a message and waits for its answer, which has this case.
  v1::StreamCompareResponse ask(const v1::StreamCompareRequest& request,
                                v1::StreamCompareResponse::MessageCase expected);

  // send sends a frame under the next id, which it returns, once the window has room.
  std::uint64_t send(const Image& image);
  // send_again sends a frame of another stream under its own id; later ones follow on that.
  // It does not wait, so that the window may be exceeded.
  void send_again(const Sent& frame);
  // start_at sets the id of the first frame.
  void start_at(std::uint64_t id);
  std::uint64_t next_id() const;

  std::optional<FrameResult> receive();
  void finish();
  void cancel();
  bool draining() const;
  v1::StreamOpened opened() const;
  // unanswered are the frames without an answer, oldest first, once the stream has ended.
  std::vector<Sent> unanswered() const;

 private:
  // Owed is an answer that the server owes: to a frame, or to a message that ask waits for.
  struct Owed {
    std::optional<Sent> frame;
    std::optional<v1::StreamCompareResponse> answer;
  };

  void check_open() const;
  void push(const v1::StreamCompareRequest& request, std::shared_ptr<Owed> owed,
            std::unique_lock<std::mutex>& lock);
  void run();
  void take(const v1::StreamCompareResponse& response);
  void take_dropped(const v1::FramesDropped& dropped);
  void take_frame(const Sent& frame, const v1::StreamCompareResponse& response);
  void end(std::optional<Error> why);
  void breach(const std::string& received, const std::string& expected);
  bool has_room() const;
  Error broken() const;

  const internal::Caller& caller_;
  const StreamOptions options_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamCompareRequest, v1::StreamCompareResponse>> stream_;
  std::thread receiver_;

  std::mutex sending_;  // taken before mutex_: messages go out in the order of what is owed

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Owed>> owed_;
  std::deque<FrameResult> results_;
  v1::StreamOpened opened_;
  std::size_t frames_owed_ = 0;
  std::uint64_t next_id_ = 0;
  bool draining_ = false;
  bool finished_ = false;  // nothing more is sent
  bool ended_ = false;     // nothing more is received
  std::optional<Error> failure_;  // why, where it was not the end of all answers
};

}  // namespace siamese
