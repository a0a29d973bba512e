#include "convert.h"

#include <algorithm>

namespace siamese::internal {
namespace {

// fill_pair fills what scores of one pair have in common in both of their messages.
template <typename Message>
void fill_pair(PairScore& score, const Message& message) {
  score.similarity = message.similarity();
  score.same = message.same();
  if (message.has_familiarity_a()) {
    score.familiarity_a = Familiarity{message.familiarity_a().value(), message.familiarity_a().foreign()};
  }
  if (message.has_familiarity_b()) {
    score.familiarity_b = Familiarity{message.familiarity_b().value(), message.familiarity_b().foreign()};
  }
  score.warning = message.warning();
  score.prepared_a_png = message.prepared_a_png();
  score.prepared_b_png = message.prepared_b_png();
}

ModelInfo to_model_info(const v1::ModelInfo& model) {
  ModelInfo info;
  info.reference = to_model(model.reference());
  info.serving_name = model.serving_name();
  info.title = model.title();
  info.knows = model.knows();
  info.input_width = model.input_width();
  info.input_height = model.input_height();
  info.embedding_length = model.embedding_length();
  info.threshold = model.threshold();
  info.familiarity_bound = model.familiarity_bound();
  info.resize_rule = model.resize_rule();
  info.device = model.device();
  info.precision = model.precision();
  return info;
}

Limits to_limits(const v1::Limits& message) {
  Limits limits;
  limits.max_message_bytes = message.max_message_bytes();
  limits.max_image_bytes = message.max_image_bytes();
  limits.max_image_pixels = message.max_image_pixels();
  limits.max_side_ratio = message.max_side_ratio();
  limits.max_pairs = message.max_pairs();
  limits.max_candidates = message.max_candidates();
  limits.max_images = message.max_images();
  limits.max_test_time_views = message.max_test_time_views();
  limits.max_stream_references = message.max_stream_references();
  limits.max_stream_window = message.max_stream_window();
  limits.max_queued_images = message.max_queued_images();
  limits.max_streams = message.max_streams();
  limits.max_calls = message.max_calls();
  limits.memory_bytes = message.memory_bytes();
  limits.default_deadline = to_duration(message.default_deadline());
  limits.max_deadline = to_duration(message.max_deadline());
  limits.image_formats = {message.image_formats().begin(), message.image_formats().end()};
  return limits;
}

// fill_source sets the message to one form of an image.
void fill_source(v1::Image&, std::monostate) {}

void fill_source(v1::Image& message, const Image::Encoded& encoded) {
  message.set_encoded(encoded.bytes);
}

void fill_source(v1::Image& message, const Image::Raw& raw) {
  v1::RawPixels& pixels = *message.mutable_raw();
  pixels.set_width(raw.width);
  pixels.set_height(raw.height);
  pixels.set_format(static_cast<v1::PixelFormat>(raw.format));
  pixels.set_data(raw.pixels);
}

void fill_source(v1::Image& message, const Embedding& embedding) {
  v1::Embedding& made = *message.mutable_embedding();
  made.mutable_values()->Add(embedding.values.begin(), embedding.values.end());
  made.set_model_digest(embedding.model_digest);
}

void fill_source(v1::Image& message, const Image::Reference& reference) {
  message.set_reference(reference.name);
}

}  // namespace

std::chrono::nanoseconds to_duration(const google::protobuf::Duration& duration) {
  // More than nanoseconds can count, or added to the time of day, would wrap around.
  constexpr std::int64_t most = 1'000'000'000;
  const std::int64_t seconds = std::clamp(duration.seconds(), -most, most);
  return std::chrono::seconds(seconds) + std::chrono::nanoseconds(duration.nanos());
}

Timings to_timings(const v1::Timings& timings) {
  return {to_duration(timings.decode()), to_duration(timings.queue()), to_duration(timings.encode()),
          to_duration(timings.compare()), to_duration(timings.total())};
}

void add(Timings& sum, const Timings& more) {
  sum.decode += more.decode;
  sum.queue += more.queue;
  sum.encode += more.encode;
  sum.compare += more.compare;
  sum.total += more.total;
}

ModelReference to_model(const v1::ModelReference& model) {
  return {model.name(), model.version(), model.digest()};
}

ServerInfo to_info(const v1::GetServerInfoResponse& reply) {
  ServerInfo info;
  info.model = to_model_info(reply.model());
  for (const auto& model : reply.models()) {
    info.models.push_back(to_model_info(model));
  }
  info.default_model = reply.default_model();
  info.auto_models = {reply.auto_models().begin(), reply.auto_models().end()};
  info.galleries = reply.galleries();
  info.limits = to_limits(reply.limits());
  const v1::Access& access = reply.access();
  info.access = {access.token_needed(), access.calls_per_second(), access.burst(),
                 access.concurrent_calls()};
  const v1::BuildInfo& build = reply.build();
  info.build = {build.version(), build.revision(), build.go_version(), build.tensorflow_version()};
  return info;
}

Comparison to_comparison(const v1::CompareResponse& reply) {
  Comparison comparison;
  fill_pair(comparison, reply);
  comparison.model = to_model(reply.model());
  comparison.threshold = reply.threshold();
  comparison.timings = to_timings(reply.timings());
  return comparison;
}

PairScore to_score(const v1::PairScore& message, const ModelReference& model) {
  PairScore score;
  fill_pair(score, message);
  score.model = message.has_model() ? to_model(message.model()) : model;
  return score;
}

Match to_match(const v1::RankedCandidate& ranked, std::size_t offset, const ModelReference& model) {
  Match match;
  match.index = ranked.index() + offset;
  match.similarity = ranked.similarity();
  match.same = ranked.same();
  match.model = ranked.has_model() ? to_model(ranked.model()) : model;
  match.familiarity = to_familiarity(ranked);
  match.warning = ranked.warning();
  match.prepared_png = ranked.prepared_png();
  return match;
}

EmbeddedImage to_embedded(const v1::EmbedResult& result) {
  EmbeddedImage image;
  const auto& values = result.embedding().values();
  image.embedding.values.assign(values.begin(), values.end());
  image.embedding.model_digest = result.embedding().model_digest();
  image.familiarity = to_familiarity(result);
  image.warning = result.warning();
  image.prepared_png = result.prepared_png();
  return image;
}

FrameScores to_frame(const v1::FrameScored& scored, const v1::StreamOpened& opened) {
  FrameScores frame;
  const ModelReference model = to_model(opened.model());
  for (const auto& score : scored.scores()) {
    frame.scores.push_back({score.reference(), score.similarity(), score.same(),
                            score.has_model() ? to_model(score.model()) : model, score.foreign()});
  }
  frame.threshold = opened.threshold();
  frame.familiarity = to_familiarity(scored);
  frame.warning = scored.warning();
  frame.timings = to_timings(scored.timings());
  frame.prepared_png = scored.prepared_png();
  return frame;
}

StoredReference to_stored(const v1::ReferenceSet& set) {
  return {set.name(), to_familiarity(set), set.warning(), set.prepared_png()};
}

void fill(v1::Image& message, const Image& image) {
  std::visit([&message](const auto& source) { fill_source(message, source); }, image.source());
}

void fill(v1::CompareOptions& message, const CompareOptions& options) {
  message.set_model(options.model);
  message.set_include_prepared(options.include_prepared);
  message.set_test_time_views(options.test_time_views);
  if (options.threshold) {
    message.set_threshold(*options.threshold);
  }
}

}  // namespace siamese::internal
