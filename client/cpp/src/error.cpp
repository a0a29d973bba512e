#include "siamese/error.h"

#include "convert.h"
#include "details.pb.h"
#include "failure.h"

namespace siamese {
namespace {

std::string describe(const Failure& failure) {
  return (failure.reason.empty() ? name(failure.code) : failure.reason) +
         (failure.field.empty() ? "" : " (" + failure.field + ")") + ": " + failure.message;
}

}  // namespace

const char* name(Code code) noexcept {
  switch (code) {
    case Code::ok: return "OK";
    case Code::cancelled: return "CANCELLED";
    case Code::unknown: return "UNKNOWN";
    case Code::invalid_argument: return "INVALID_ARGUMENT";
    case Code::deadline_exceeded: return "DEADLINE_EXCEEDED";
    case Code::not_found: return "NOT_FOUND";
    case Code::already_exists: return "ALREADY_EXISTS";
    case Code::permission_denied: return "PERMISSION_DENIED";
    case Code::resource_exhausted: return "RESOURCE_EXHAUSTED";
    case Code::failed_precondition: return "FAILED_PRECONDITION";
    case Code::aborted: return "ABORTED";
    case Code::out_of_range: return "OUT_OF_RANGE";
    case Code::unimplemented: return "UNIMPLEMENTED";
    case Code::internal: return "INTERNAL";
    case Code::unavailable: return "UNAVAILABLE";
    case Code::data_loss: return "DATA_LOSS";
    case Code::unauthenticated: return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

Error::Error(Failure failure)
    : std::runtime_error(describe(failure)), failure_(std::move(failure)) {}

namespace internal {
namespace {

// unpack reads a detail of this type, whatever host its URL names; a detail that can't be
// read tells nothing, the status does.
template <typename Message>
bool unpack(const google::protobuf::Any& detail, const std::string& type, Message& message) {
  const std::string& url = detail.type_url();
  const std::size_t slash = url.rfind('/');
  return slash != std::string::npos && url.compare(slash + 1, std::string::npos, type) == 0 &&
         message.ParseFromString(detail.value());
}

void add_detail(const google::protobuf::Any& detail, Failure& failure) {
  wire::ErrorInfo info;
  wire::BadRequest bad;
  wire::RetryInfo retry;
  if (unpack(detail, "google.rpc.ErrorInfo", info)) {
    failure.reason = info.reason();
    failure.metadata = {info.metadata().begin(), info.metadata().end()};
  } else if (unpack(detail, "google.rpc.BadRequest", bad) && bad.field_violations_size() > 0) {
    failure.field = bad.field_violations(0).field();
  } else if (unpack(detail, "google.rpc.RetryInfo", retry)) {
    failure.retry_delay = to_duration(retry.retry_delay());
  }
}

}  // namespace

std::string shift_field(const std::string& field, const std::string& list, std::size_t offset) {
  const std::string start = list + "[";
  const std::size_t end = field.find(']');
  if (offset == 0 || field.rfind(start, 0) != 0 || end == std::string::npos) {
    return field;
  }
  const std::string index = field.substr(start.size(), end - start.size());
  if (index.empty() || index.size() > 9 || index.find_first_not_of("0123456789") != std::string::npos) {
    return field;
  }
  return start + std::to_string(std::stoul(index) + offset) + field.substr(end);
}

Error to_error(const grpc::Status& status, std::size_t offset, const std::string& list) {
  Failure failure;
  failure.code = static_cast<Code>(status.error_code());
  failure.message = status.error_message();
  wire::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      add_detail(detail, failure);
    }
  }
  failure.field = shift_field(failure.field, list, offset);
  return Error(std::move(failure));
}

Error to_error(const v1::ItemError& error, std::size_t offset, const std::string& list) {
  Failure failure;
  failure.code = static_cast<Code>(error.code());
  failure.reason = error.reason();
  failure.message = error.message();
  failure.field = shift_field(error.field(), list, offset);
  return Error(std::move(failure));
}

Error too_large(std::size_t bytes, std::size_t limit, const std::string& field) {
  Failure failure;
  failure.code = Code::resource_exhausted;
  failure.message = "received an item of " + std::to_string(bytes) + " bytes, expected at most " +
                    std::to_string(limit) + " in one message";
  failure.field = field;
  return Error(std::move(failure));
}

Error plain(Code code, const std::string& message) {
  Failure failure;
  failure.code = code;
  failure.message = message;
  return Error(std::move(failure));
}

}  // namespace internal
}  // namespace siamese
