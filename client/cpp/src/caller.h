#pragma once

#include <grpcpp/client_context.h>

#include <chrono>
#include <optional>
#include <string>

#include "failure.h"
#include "siamese/options.h"

namespace siamese::internal {

using Clock = std::chrono::system_clock;  // gRPC's deadlines are by this one

// Caller sends unary calls, again where that helps, until the deadline. Safe for
// concurrent use.
class Caller {
 public:
  Caller(RetryPolicy policy, std::optional<std::chrono::milliseconds> deadline, std::string token);

  const RetryPolicy& policy() const { return policy_; }

  // prepare sets what every call carries.
  void prepare(grpc::ClientContext& context) const;

  // Time is when a call of the client has to end; without an end each request has its own.
  struct Time {
    std::optional<Clock::time_point> end;
    Clock::time_point end_of_request() const;
  };
  Time begin(std::optional<std::chrono::milliseconds> own) const;

  // end_of_long is when a call that takes as long as there is to do has to end: never, unless
  // it has a deadline of its own.
  static Clock::time_point end_of_long(std::optional<std::chrono::milliseconds> own);

  // send makes one request. A failure's field is moved by offset items of the list. Throws
  // the last attempt's error.
  template <typename Request>
  void send(const Time& time, const Request& request, std::size_t offset = 0,
            const std::string& list = {}) const {
    const Clock::time_point end = time.end_of_request();
    for (int attempt = 1;; ++attempt) {
      grpc::ClientContext context;
      prepare(context);
      context.set_deadline(end);
      const grpc::Status status = request(context);
      if (status.ok()) {
        return;
      }
      pause(attempt, to_error(status, offset, list), end);
    }
  }

  // pause waits before another attempt, or throws the failure where there is none.
  void pause(int attempt, const Error& failure, Clock::time_point end) const;

 private:
  std::optional<std::chrono::nanoseconds> wait_after(int attempt, const Error& failure) const;

  RetryPolicy policy_;
  std::optional<std::chrono::milliseconds> deadline_;
  std::string token_;
};

}  // namespace siamese::internal
