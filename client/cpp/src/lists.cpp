#include <algorithm>
#include <cstdint>
#include <utility>

#include "convert.h"
#include "impl.h"
#include "parts.h"

namespace siamese {
namespace {

using internal::divide;
using internal::Part;
using internal::refused;
using internal::take;

// most_pairs is how many pairs go in one request: with several views of each picture as many
// as find room before the encoder.
std::uint32_t most_pairs(const Limits& limits, const CompareOptions& options) {
  const std::uint64_t views = options.test_time_views;
  if (views <= 1 || limits.max_queued_images == 0) {
    return limits.max_pairs;
  }
  const auto fitting = std::max<std::uint64_t>(limits.max_queued_images / (2 * views), 1);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(limits.max_pairs, fitting));
}

std::vector<v1::Image> to_messages(const std::vector<Image>& images) {
  std::vector<v1::Image> messages(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    internal::fill(messages[i], images[i]);
  }
  return messages;
}

// add_whole takes what an answer tells of its whole request; the first part names the model.
template <typename Whole, typename Reply>
void add_whole(Whole& whole, const Reply& reply) {
  internal::add(whole.timings, internal::to_timings(reply.timings()));
  whole.encoded_images += reply.encoded_images();
  if (whole.model.name.empty()) {
    whole.model = internal::to_model(reply.model());
  }
}

void add_answer(BatchComparison& batch, const v1::BatchCompareResponse& reply, const Part& part) {
  add_whole(batch, reply);
  batch.threshold = reply.threshold();
  const ModelReference model = internal::to_model(reply.model());
  for (const auto& result : reply.results()) {
    if (result.has_score()) {
      batch.results.emplace_back(internal::to_score(result.score(), model));
    } else {
      batch.results.emplace_back(internal::to_error(result.error(), part.first, "pairs"));
    }
  }
}

void add_answer(Embeddings& all, const v1::EmbedResponse& reply, const Part& part) {
  add_whole(all, reply);
  for (const auto& result : reply.results()) {
    if (result.has_embedding()) {
      all.results.emplace_back(internal::to_embedded(result));
    } else {
      all.results.emplace_back(internal::to_error(result.error(), part.first, "images"));
    }
  }
}

// add_query takes what is told of the query from the model that knows it best.
void add_query(Ranking& ranking, const v1::RankResponse& reply, bool first) {
  const auto familiarity = internal::to_familiarity(reply);
  const bool knows_better = familiarity && (!ranking.familiarity ||
                                            familiarity->value > ranking.familiarity->value);
  if (first || knows_better) {
    ranking.familiarity = familiarity;
    ranking.warning = reply.warning();
    ranking.prepared_query_png = reply.prepared_query_png();
  }
}

void add_answer(Ranking& ranking, const v1::RankResponse& reply, const Part& part) {
  add_query(ranking, reply, part.first == 0);
  add_whole(ranking, reply);
  ranking.threshold = reply.threshold();
  const ModelReference model = internal::to_model(reply.model());
  for (const auto& ranked : reply.ranked()) {
    ranking.matches.push_back(internal::to_match(ranked, part.first, model));
  }
  for (const auto& failed : reply.errors()) {
    ranking.failed.emplace(failed.index() + part.first,
                           internal::to_error(failed.error(), part.first, "candidates"));
  }
}

void keep_best(std::vector<Match>& matches, std::size_t top_k) {
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
  });
  if (top_k != 0 && top_k < matches.size()) {
    matches.erase(matches.begin() + static_cast<std::ptrdiff_t>(top_k), matches.end());
  }
}

}  // namespace

BatchComparison Client::batch(const std::vector<Pair>& pairs, const CompareOptions& options) {
  std::vector<v1::ImagePair> items(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    internal::fill(*items[i].mutable_image_a(), pairs[i].a);
    internal::fill(*items[i].mutable_image_b(), pairs[i].b);
  }
  v1::BatchCompareRequest base;
  internal::fill(*base.mutable_options(), options);
  const auto time = impl_->caller.begin(options.deadline);
  const Limits limits = impl_->limits(time);
  BatchComparison batch;
  for (const Part& part : divide(items, most_pairs(limits, options), limits.max_message_bytes, base)) {
    if (part.too_large) {
      batch.results.emplace_back(refused(part, limits, "pairs"));
      continue;
    }
    v1::BatchCompareRequest request = base;
    take(items, part, *request.mutable_pairs());
    v1::BatchCompareResponse reply;
    impl_->caller.send(time, [&](grpc::ClientContext& context) {
      return impl_->service->BatchCompare(&context, request, &reply);
    }, part.first, "pairs");
    add_answer(batch, reply, part);
  }
  return batch;
}

Ranking Client::rank(const Image& query, const std::vector<Image>& candidates,
                     const RankOptions& options) {
  std::vector<v1::Image> items = to_messages(candidates);
  v1::RankRequest base;
  internal::fill(*base.mutable_query(), query);
  base.set_top_k(options.top_k);
  base.set_min_similarity(options.min_similarity);
  internal::fill(*base.mutable_options(), options);
  const auto time = impl_->caller.begin(options.deadline);
  const Limits limits = impl_->limits(time);
  Ranking ranking;
  for (const Part& part : divide(items, limits.max_candidates, limits.max_message_bytes, base)) {
    if (part.too_large) {
      ranking.failed.emplace(part.first, refused(part, limits, "candidates"));
      continue;
    }
    v1::RankRequest request = base;
    take(items, part, *request.mutable_candidates());
    v1::RankResponse reply;
    impl_->caller.send(time, [&](grpc::ClientContext& context) {
      return impl_->service->Rank(&context, request, &reply);
    }, part.first, "candidates");
    add_answer(ranking, reply, part);
  }
  keep_best(ranking.matches, options.top_k);
  return ranking;
}

Embeddings Client::embed(const std::vector<Image>& images, const CompareOptions& options) {
  std::vector<v1::Image> items = to_messages(images);
  v1::EmbedRequest base;
  base.set_model(options.model);
  base.set_include_prepared(options.include_prepared);
  const auto time = impl_->caller.begin(options.deadline);
  const Limits limits = impl_->limits(time);
  Embeddings all;
  for (const Part& part : divide(items, limits.max_images, limits.max_message_bytes, base)) {
    if (part.too_large) {
      all.results.emplace_back(refused(part, limits, "images"));
      continue;
    }
    v1::EmbedRequest request = base;
    take(items, part, *request.mutable_images());
    v1::EmbedResponse reply;
    impl_->caller.send(time, [&](grpc::ClientContext& context) {
      return impl_->service->Embed(&context, request, &reply);
    }, part.first, "images");
    add_answer(all, reply, part);
  }
  return all;
}

}  // namespace siamese
