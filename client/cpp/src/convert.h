#pragma once

#include <chrono>

#include "google/protobuf/duration.pb.h"
#include "siamese/image.h"
#include "siamese/info.h"
#include "siamese/options.h"
#include "siamese/result.h"
#include "siamese/stream.h"
#include "siamese/v1/service.pb.h"

// The contract's messages turned into the client's own types, and back.
namespace siamese::internal {

std::chrono::nanoseconds to_duration(const google::protobuf::Duration& duration);
Timings to_timings(const v1::Timings& timings);
void add(Timings& sum, const Timings& more);
ModelReference to_model(const v1::ModelReference& model);
ServerInfo to_info(const v1::GetServerInfoResponse& reply);
Comparison to_comparison(const v1::CompareResponse& reply);
// model is that of the whole reply.
PairScore to_score(const v1::PairScore& score, const ModelReference& model);
Match to_match(const v1::RankedCandidate& ranked, std::size_t offset, const ModelReference& model);
EmbeddedImage to_embedded(const v1::EmbedResult& result);
FrameScores to_frame(const v1::FrameScored& scored, const v1::StreamOpened& opened);
StoredReference to_stored(const v1::ReferenceSet& set);

void fill(v1::Image& message, const Image& image);
void fill(v1::CompareOptions& message, const CompareOptions& options);

// to_familiarity takes a message that has familiarity at this place.
template <typename Message>
std::optional<Familiarity> to_familiarity(const Message& message) {
  if (!message.has_familiarity()) {
    return std::nullopt;
  }
  return Familiarity{message.familiarity().value(), message.familiarity().foreign()};
}

}  // namespace siamese::internal
