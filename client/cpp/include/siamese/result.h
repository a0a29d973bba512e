#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "siamese/error.h"
#include "siamese/image.h"

namespace siamese {

// Familiarity is how like the pictures that a model knows an image is to it. It can't tell
// whether a similarity is right.
struct Familiarity {
  // The share, 0 to 1, of pictures such as those that the model was made for that are less
  // familiar to it.
  float value = 0;
  // Whether that is below the model's bound: similarities of this image mean little then.
  bool foreign = false;
};

// ModelReference names the model that answered.
struct ModelReference {
  std::string name;
  std::string version;
  // Lower-case hexadecimal SHA-256 of the weights: two models with the same digest give the
  // same embeddings.
  std::string digest;
};

// Timings tell where a call's time went, as the server saw it; of a call in several
// requests their sum. Stages of several images overlap, so they need not add up.
struct Timings {
  std::chrono::nanoseconds decode{0};
  std::chrono::nanoseconds queue{0};
  std::chrono::nanoseconds encode{0};
  std::chrono::nanoseconds compare{0};
  std::chrono::nanoseconds total{0};
};

// Item is what became of one item of a call: a value, or why there is none.
template <typename T>
class Item {
 public:
  Item(T value) : outcome_(std::move(value)) {}      // NOLINT: meant to convert
  Item(Error error) : outcome_(std::move(error)) {}  // NOLINT: meant to convert

  bool ok() const noexcept { return std::holds_alternative<T>(outcome_); }
  explicit operator bool() const noexcept { return ok(); }

  // value throws the item's Error where there is none.
  const T& value() const {
    if (const Error* error = std::get_if<Error>(&outcome_)) {
      throw *error;
    }
    return std::get<T>(outcome_);
  }
  const T& operator*() const { return value(); }
  const T* operator->() const { return &value(); }

  // error throws std::bad_variant_access where the item did not fail.
  const Error& error() const { return std::get<Error>(outcome_); }

 private:
  std::variant<T, Error> outcome_;
};

// PairScore is the score of a pair.
struct PairScore {
  // 0 to 1, where 1 means the same class.
  float similarity = 0;
  // The verdict: similarity at or above the threshold.
  bool same = false;
  // The model that answered this pair.
  ModelReference model;
  // How familiar the images are to it; unset where it does not tell.
  std::optional<Familiarity> familiarity_a;
  std::optional<Familiarity> familiarity_b;
  // A sentence for people where the similarity means little; empty otherwise.
  std::string warning;
  // The pictures as the network saw them, PNG files; empty where not asked for.
  std::string prepared_a_png;
  std::string prepared_b_png;
};

// Comparison is the score of one pair.
struct Comparison : PairScore {
  // What the verdict was made with, 0 to 1.
  float threshold = 0;
  Timings timings;
};

// BatchComparison is what became of many pairs.
struct BatchComparison {
  // One a pair, in the order of the call.
  std::vector<Item<PairScore>> results;
  // What the verdicts were made with; with "auto" a pair's own model may have another.
  float threshold = 0;
  ModelReference model;
  Timings timings;
  // How many images the encoder ran for this call: the distinct ones that were neither
  // cached nor under way for another call.
  std::uint64_t encoded_images = 0;
};

// Match is a candidate with its score.
struct Match {
  // Its place in the call's candidates, from 0.
  std::size_t index = 0;
  float similarity = 0;
  bool same = false;
  ModelReference model;
  std::optional<Familiarity> familiarity;
  std::string warning;
  std::string prepared_png;
};

// Ranking is a query's candidates.
struct Ranking {
  // Those with a score, best first, equal ones in the order of the call.
  std::vector<Match> matches;
  // Those without, by index.
  std::map<std::size_t, Error> failed;
  float threshold = 0;
  ModelReference model;
  // How familiar the query is to the model that knows it best among those that answered.
  std::optional<Familiarity> familiarity;
  std::string warning;
  std::string prepared_query_png;
  Timings timings;
  std::uint64_t encoded_images = 0; // as of BatchComparison
};

// EmbeddedImage is the embedding of an image.
struct EmbeddedImage {
  // Ready to be sent as Image::embedding.
  Embedding embedding;
  std::optional<Familiarity> familiarity;
  std::string warning;
  std::string prepared_png;
};

// Embeddings are what became of the images of an embed call.
struct Embeddings {
  // One an image, in the order of the call.
  std::vector<Item<EmbeddedImage>> results;
  // With "auto" each embedding names its own by digest.
  ModelReference model;
  Timings timings;
  std::uint64_t encoded_images = 0; // as of BatchComparison
};

}  // namespace siamese
