#include "siamese/stream.h"

#include <algorithm>

#include "convert.h"
#include "impl.h"
#include "stream_wire.h"

namespace siamese {

Stream::Stream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

std::uint32_t Stream::window() const { return std::max(1U, wire_->opened().window()); }
std::uint32_t Stream::max_references() const { return wire_->opened().max_references(); }
ModelReference Stream::model() const { return internal::to_model(wire_->opened().model()); }

StoredReference Stream::set_reference(const std::string& name, const Image& image) {
  v1::StreamCompareRequest request;
  request.mutable_set_reference()->set_name(name);
  internal::fill(*request.mutable_set_reference()->mutable_image(), image);
  const auto answer = wire_->ask(request, v1::StreamCompareResponse::kReferenceSet);
  return internal::to_stored(answer.reference_set());
}

void Stream::drop_reference(const std::string& name) {
  v1::StreamCompareRequest request;
  request.mutable_drop_reference()->set_name(name);
  wire_->ask(request, v1::StreamCompareResponse::kReferenceDropped);
}

std::uint64_t Stream::send(const Image& frame) { return wire_->send(frame); }
std::optional<FrameResult> Stream::receive() { return wire_->receive(); }
void Stream::finish() { wire_->finish(); }
void Stream::cancel() { wire_->cancel(); }
bool Stream::draining() const { return wire_->draining(); }

Stream Client::open_stream(const StreamOptions& options) {
  return Stream(Stream::Wire::open(impl_->caller, *impl_->service, options));
}

}  // namespace siamese
