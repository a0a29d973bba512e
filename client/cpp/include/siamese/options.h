#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace siamese {

// RetryPolicy says when a call is repeated: where the server says after how long
// (RetryInfo), as when its queue is full, and where it can't be reached (UNAVAILABLE). No
// call has side effects, so that each may be repeated. A wait that would end behind the
// call's deadline is not begun.
struct RetryPolicy {
  // How often a call is sent at most. 1: nothing is repeated, and a broken stream is not
  // opened again.
  int attempts = 5;
  // The wait before the second attempt, doubled with each one more up to longest_wait,
  // where the server does not say how long.
  std::chrono::milliseconds first_wait{100};
  std::chrono::milliseconds longest_wait{5000};
};

// ClientConfig says which server a Client talks to, and how.
struct ClientConfig {
  // host:port (or host alone, which means port 50051) in plain text; http://host:port and
  // grpc://host:port, the same; https://host:port and grpcs://host:port, TLS; unix:/path;
  // dns:///host:port.
  std::string address;
  // Speaks TLS, as https:// does by itself, and so does each of the next three.
  bool tls = false;
  // A PEM file of authorities for the server's certificate. Empty: the system's.
  std::string ca_file;
  // PEM files of a certificate of one's own and its key: both or neither.
  std::string certificate_file;
  std::string key_file;
  // The name expected in the server's certificate. Empty: the address's.
  std::string server_name;
  // A bearer token, sent with each call, over plain text too, where anyone on the way can
  // read it. Visible ASCII. Empty: none.
  std::string token;
  // The deadline of each call that sets none, its retries and the parts of a long list
  // included. Unset: each request to the server has 60 seconds, retries included.
  std::optional<std::chrono::milliseconds> deadline;
  RetryPolicy retry;
};

// CompareOptions are optional wishes of a call.
struct CompareOptions {
  // The model that is to answer: "model", "model/version" or "model/label", such as
  // "omniglot" or "general/3"; "auto" chooses by familiarity. Empty: the server's default.
  std::string model;
  // Replaces the model's own threshold, 0 to 1.
  std::optional<float> threshold;
  // Asks for the pictures as the network saw them, as PNG files.
  bool include_prepared = false;
  // Of the whole call, however many requests it takes, retries included. Unset: the
  // client's.
  std::optional<std::chrono::milliseconds> deadline;
};

// RankOptions are optional wishes of a ranking.
struct RankOptions : CompareOptions {
  // How many of the best to return. 0: all.
  std::uint32_t top_k = 0;
  // Leaves out candidates below this similarity, 0 to 1. 0: none.
  float min_similarity = 0;
};

// DropPolicy is what happens to a frame that comes while the window is full.
enum class DropPolicy {
  none,   // sending waits until there is room; no frame is lost
  latest, // one frame waits; a newer one takes its place, and the older is reported as dropped
};

// StreamOptions say how a stream is run. The deadline is that of the opening and of each
// reference, not of the stream.
struct StreamOptions : CompareOptions {
  // How many frames may be under way at once; the server may grant fewer. 0: as many as it
  // allows.
  std::uint32_t window = 0;
  DropPolicy drop_policy = DropPolicy::none;
};

}  // namespace siamese
