#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace siamese {

// RetryPolicy says when a call is repeated: where the server says after how long
// (RetryInfo), as when its queue is full, and where it can't be reached (UNAVAILABLE). What
// is carried out twice changes no more than once, so that each call may be repeated. A wait
// that would end behind the call's deadline is not begun.
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
  // included. Unset: each request to the server has 60 seconds, retries included. Not that
  // of enroll, find_duplicates and reindex, which take as long as there is to do.
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
  // How many views of a picture are scored, whose mean is the similarity: the picture itself
  // and small shifts, turns and scales of it, at most Limits::max_test_time_views. Each is one
  // more encode for the server, of both images of a pair and of a query or frame alone. 0 or
  // 1: the picture alone.
  std::uint32_t test_time_views = 0;
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

// CallOptions are optional wishes of any call of galleries.
struct CallOptions {
  // Of the whole call, however many requests it takes, retries included. Unset: the
  // client's; of enroll, find_duplicates and reindex: none.
  std::optional<std::chrono::milliseconds> deadline;
};

// GalleryOptions are what a gallery is made with.
struct GalleryOptions : CallOptions {
  // The model that it belongs to, without version or label. Empty: the server's default; of
  // "auto" the first that is tried.
  std::string model;
  // Keeps the bytes of pictures, so that Client::reindex can encode them again.
  bool keep_pictures = false;
  // Keeps a small JPEG file of each.
  bool keep_thumbnails = false;
};

// EntryOptions are the parts of an entry that are large: sent where asked for, and kept.
struct EntryOptions : CallOptions {
  bool include_thumbnail = false;
  bool include_picture = false;
  bool include_embedding = false;
};

// EntryListOptions say which entries are wanted.
struct EntryListOptions : CallOptions {
  // Only entries that have all of these keys with these values.
  std::map<std::string, std::string> filter;
  // Only entries of this thing. Empty: of all.
  std::string thing;
  // Only entries of another model than the gallery's.
  bool stale_only = false;
  bool include_thumbnails = false;
  // How many come in a page, at most 1,000. 0: 100.
  std::uint32_t page_size = 0;
};

// IdentifyOptions are optional wishes of an identification.
struct IdentifyOptions : CallOptions {
  // How many things at most, up to 100. 0: 10.
  std::uint32_t top_k = 0;
  // Leaves out things whose best entry has less, 0 to 1. 0: none.
  float min_similarity = 0;
  // Only entries that have all of these keys with these values.
  std::map<std::string, std::string> filter;
  // Replaces the model's own threshold, 0 to 1.
  std::optional<float> threshold;
  // Asks for thumbnails of the best entries, where kept.
  bool include_thumbnails = false;
  // How many views of the image are scored, as in CompareOptions.
  std::uint32_t test_time_views = 0;
};

// DuplicateOptions are optional wishes of a search for duplicates.
struct DuplicateOptions : CallOptions {
  // The similarity, 0 to 1, from which two entries are alike. Unset: the model's own
  // threshold.
  std::optional<float> threshold;
  // Only entries that have all of these keys with these values.
  std::map<std::string, std::string> filter;
  // Only groups of more than one thing: entries of one thing are meant to be alike.
  bool across_things = false;
};

// ReindexOptions are optional wishes of a reindex.
struct ReindexOptions : CallOptions {
  // The model that the gallery is to belong to. Empty: its own, as it is now.
  std::string model;
};

}  // namespace siamese
