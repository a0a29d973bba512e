#include "caller.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

namespace siamese::internal {
namespace {

// Of one request where the caller sets no deadline; the server's own default.
constexpr std::chrono::seconds request_deadline{60};

void check_positive(const std::optional<std::chrono::milliseconds>& deadline) {
  if (deadline && deadline->count() <= 0) {
    throw std::invalid_argument("received a deadline of " + std::to_string(deadline->count()) +
                                " ms, expected one longer than 0");
  }
}

Clock::time_point after(std::chrono::milliseconds deadline) {
  constexpr std::chrono::milliseconds year = std::chrono::hours(24 * 365);
  return Clock::now() + std::min(deadline, year);  // far more would wrap around
}

// spread is up to a fifth more, so that callers that failed together do not come back
// together.
std::chrono::nanoseconds spread(std::chrono::nanoseconds wait) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(1.0, 1.2);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(wait.count()) * factor(random)));
}

}  // namespace

Caller::Caller(RetryPolicy policy, std::optional<std::chrono::milliseconds> deadline,
               std::string token)
    : policy_(policy), deadline_(deadline), token_(std::move(token)) {
  check_positive(deadline);
  if (policy.attempts < 1) {
    throw std::invalid_argument("received " + std::to_string(policy.attempts) +
                                " attempts, expected at least 1");
  }
  if (policy.first_wait.count() <= 0 || policy.longest_wait < policy.first_wait) {
    throw std::invalid_argument("received waits from " + std::to_string(policy.first_wait.count()) +
                                " to " + std::to_string(policy.longest_wait.count()) +
                                " ms, expected a first one longer than 0 and a longest one not "
                                "shorter");
  }
  const bool visible = std::all_of(token_.begin(), token_.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!visible) {  // not repeated: it is a secret
    throw std::invalid_argument("received a token of " + std::to_string(token_.size()) +
                                " bytes, expected visible ASCII characters");
  }
}

void Caller::prepare(grpc::ClientContext& context) const {
  if (!token_.empty()) {
    context.AddMetadata("authorization", "Bearer " + token_);
  }
}

Clock::time_point Caller::Time::end_of_request() const {
  return end ? *end : Clock::now() + request_deadline;
}

Caller::Time Caller::begin(std::optional<std::chrono::milliseconds> own) const {
  check_positive(own);
  const auto deadline = own ? own : deadline_;
  if (!deadline) {
    return {};
  }
  return {after(*deadline)};
}

Clock::time_point Caller::end_of_long(std::optional<std::chrono::milliseconds> own) {
  check_positive(own);
  return own ? after(*own) : Clock::time_point::max();
}

std::optional<std::chrono::nanoseconds> Caller::wait_after(int attempt, const Error& failure) const {
  if (attempt >= policy_.attempts) {
    return std::nullopt;
  }
  if (failure.retry_delay()) {
    return spread(*failure.retry_delay());
  }
  if (failure.code() != Code::unavailable) {
    return std::nullopt;
  }
  const auto doubled = policy_.first_wait * (std::int64_t{1} << std::min(attempt - 1, 20));
  return spread(std::min(doubled, policy_.longest_wait));
}

void Caller::pause(int attempt, const Error& failure, Clock::time_point end) const {
  const auto wait = wait_after(attempt, failure);
  if (!wait || Clock::now() + *wait >= end) {
    throw failure;
  }
  std::this_thread::sleep_for(*wait);
}

}  // namespace siamese::internal
