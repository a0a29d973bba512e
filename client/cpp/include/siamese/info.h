#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "siamese/result.h"

namespace siamese {

// ModelInfo describes a model that the server serves.
struct ModelInfo {
  ModelReference reference;
  // The name by which calls ask for it, such as "general".
  std::string serving_name;
  // What it is for, and what it knows, for people; may be empty.
  std::string title;
  std::string knows;
  // The network's input, in pixels.
  std::uint32_t input_width = 0;
  std::uint32_t input_height = 0;
  // How many numbers an embedding has.
  std::uint32_t embedding_length = 0;
  // The similarity, 0 to 1, from which the verdict is "same" by default.
  float threshold = 0;
  // The familiarity, 0 to 1, below which an image is foreign to it. 0: it does not tell.
  float familiarity_bound = 0;
  std::string resize_rule;
  std::string device;
  std::string precision;
};

// Limits are what the server accepts. The client splits longer lists by max_pairs,
// max_candidates, max_images and max_message_bytes; what is over another limit is refused.
struct Limits {
  std::uint64_t max_message_bytes = 0;
  std::uint64_t max_image_bytes = 0;
  std::uint64_t max_image_pixels = 0;
  std::uint32_t max_side_ratio = 0;
  std::uint32_t max_pairs = 0;
  std::uint32_t max_candidates = 0;
  std::uint32_t max_images = 0;
  // Of a picture, that a call may ask for. 0 or 1: the picture alone.
  std::uint32_t max_test_time_views = 0;
  std::uint32_t max_stream_references = 0;
  std::uint32_t max_stream_window = 0;
  std::uint32_t max_queued_images = 0;
  std::uint32_t max_streams = 0;
  std::uint32_t max_calls = 0;
  std::uint64_t memory_bytes = 0;
  std::chrono::nanoseconds default_deadline{0};
  std::chrono::nanoseconds max_deadline{0};
  // Those that are decoded, such as "jpeg".
  std::vector<std::string> image_formats;
};

// Access is what the server asks of a caller, and what a caller may ask of it. 0: no bound.
struct Access {
  bool token_needed = false;
  double calls_per_second = 0;
  std::uint32_t burst = 0;
  std::uint32_t concurrent_calls = 0;
};

// BuildInfo is what the server was built from.
struct BuildInfo {
  std::string version;
  std::string revision;
  std::string go_version;
  std::string tensorflow_version;
};

// ServerInfo is what a client can know before it calls.
struct ServerInfo {
  // The one that was asked about; of "auto" the first that is tried.
  ModelInfo model;
  // Those that are served, each by its default version.
  std::vector<ModelInfo> models;
  // What answers calls that name no model: a serving name, or "auto".
  std::string default_model;
  // Those among which "auto" chooses; empty: there is no "auto".
  std::vector<std::string> auto_models;
  // Whether the server keeps galleries.
  bool galleries = false;
  Limits limits;
  Access access;
  BuildInfo build;
};

}  // namespace siamese
