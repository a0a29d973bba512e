#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>

namespace siamese {

// Code is a gRPC status code.
enum class Code {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};

// name is the code as gRPC writes it, such as "INVALID_ARGUMENT".
const char* name(Code code) noexcept;

// Failure is what is known of a failed call or item.
struct Failure {
  Code code = Code::unknown;
  // What went wrong, stable, such as "IMAGE_UNDECODABLE"; empty where the failure came
  // from gRPC itself.
  std::string reason;
  // For a person: what was received and what was expected.
  std::string message;
  // The field at fault as a path within the call, such as "pairs[3].image_b"; empty where
  // none is. Indexes are those of the caller's own list, however it was split.
  std::string field;
  // The numbers and names that matter, such as a limit.
  std::map<std::string, std::string> metadata;
  // How long the server asks to wait before the call is repeated.
  std::optional<std::chrono::nanoseconds> retry_delay;
};

// Error is a call that the server, or the way to it, failed; or one item of a call, which
// is then part of the result and thrown only when its value is asked for. Wrong arguments
// are std::invalid_argument, files that can't be read std::system_error.
class Error : public std::runtime_error {
 public:
  explicit Error(Failure failure);

  Code code() const noexcept { return failure_.code; }
  const std::string& reason() const noexcept { return failure_.reason; }
  const std::string& message() const noexcept { return failure_.message; }
  const std::string& field() const noexcept { return failure_.field; }
  const std::map<std::string, std::string>& metadata() const noexcept { return failure_.metadata; }
  const std::optional<std::chrono::nanoseconds>& retry_delay() const noexcept {
    return failure_.retry_delay;
  }

 private:
  Failure failure_;
};

}  // namespace siamese
