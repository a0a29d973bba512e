#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "siamese/error.h"
#include "siamese/image.h"
#include "siamese/result.h"

namespace siamese {

// Gallery is what is told of a gallery: pictures of things that the server keeps under a
// name, as embeddings of one model.
struct Gallery {
  std::string name;
  // The name by which calls ask for its model, such as "general".
  std::string model;
  // The model whose embeddings are searched; only its digest where the server has another
  // one of that name now, which Client::reindex mends.
  ModelReference reference;
  std::uint64_t entries = 0;
  // How many of them are of another model, and so not found.
  std::uint64_t stale_entries = 0;
  bool keep_pictures = false;
  bool keep_thumbnails = false;
  std::chrono::system_clock::time_point created;
  // Whether a reindex is under way.
  bool reindexing = false;
};

// Metadata is what the caller wants to know of an entry: at most 32 keys of 1 to 64 bytes,
// values of at most 1,024 bytes, together at most 8 kB.
using Metadata = std::map<std::string, std::string>;

// NewEntry is an entry to enroll. One of its id is replaced, unless it is the same.
struct NewEntry {
  // 1 to 256 bytes of UTF-8 without control characters.
  std::string id;
  // The picture, or an embedding of the gallery's model.
  Image image;
  // What it shows, at most 256 bytes of the same. Empty: it is a thing by itself, named as
  // the entry.
  std::string thing = {};
  Metadata metadata = {};
};

// Entry is a picture of a thing, as a gallery keeps it.
struct Entry {
  std::string id;
  std::string thing;  // empty: as of NewEntry
  Metadata metadata;
  // Lower-case hexadecimal SHA-256 of the picture's bytes; empty where it came as an
  // embedding.
  std::string picture_sha256;
  // ModelReference::digest of the model that made its embedding.
  std::string model_digest;
  // When it was enrolled, or last replaced.
  std::chrono::system_clock::time_point enrolled;
  // How familiar the picture was to the model; unset where that was not told.
  std::optional<Familiarity> familiarity;
  // Empty, or unset, unless asked for and kept: a JPEG file whose longer side is 160 pixels,
  // the picture's bytes as they came (of raw pixels a PNG file), and the embedding.
  std::string thumbnail_jpeg;
  std::string picture;
  std::optional<Embedding> embedding;
};

// EntryPage is some of a gallery's entries, in the order of their ids, by bytes.
struct EntryPage {
  std::vector<Entry> entries;
  // What asks for the next page; empty: this was the last.
  std::string next_page_token;
};

// Entries are a gallery's entries in the order of their ids, by bytes, from
// Client::entries; pages are asked for as needed. One pass, by one thread at a time, while
// the client lives. next, begin and an iterator's increment throw Error where a page can't
// be had.
class Entries {
 public:
  // iterator is an input iterator.
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry*;
    using reference = const Entry&;

    iterator() = default;
    reference operator*() const { return *entry_; }
    pointer operator->() const { return &*entry_; }
    iterator& operator++() {
      entry_ = entries_->next();
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) {
      return a.entry_.has_value() == b.entry_.has_value();
    }
    friend bool operator!=(const iterator& a, const iterator& b) { return !(a == b); }

   private:
    friend class Entries;
    explicit iterator(Entries& entries) : entries_(&entries), entry_(entries.next()) {}

    Entries* entries_ = nullptr;
    std::optional<Entry> entry_;  // unset: the end
  };

  // begin is at the first entry that was not taken.
  iterator begin() { return iterator(*this); }
  iterator end() { return {}; }

  // next takes the next entry; nothing after the last one.
  std::optional<Entry> next();

 private:
  friend class Client;
  using Fetch = std::function<EntryPage(const std::string& page_token)>;
  explicit Entries(Fetch fetch) : fetch_(std::move(fetch)) {}

  Fetch fetch_;
  EntryPage page_;
  std::size_t taken_ = 0;  // of page_
  bool begun_ = false;
};

// EnrollStatus is how an entry was kept.
enum class EnrollStatus {
  added = 1,      // there was none of its id
  replaced = 2,   // it took the place of another one
  unchanged = 3,  // it was there already
};

// EnrolledEntry is an entry that is kept.
struct EnrolledEntry {
  EnrollStatus status = EnrollStatus::added;
  // How familiar the picture is to the model; unset where that is not told.
  std::optional<Familiarity> familiarity;
  // A sentence for people where the picture is foreign to the model; empty otherwise.
  std::string warning;
};

// BatchEnrollment is what became of the entries of a list.
struct BatchEnrollment {
  // One an entry, in the order of the call.
  std::vector<Item<EnrolledEntry>> results;
  Timings timings;
};

// EnrollFailure is an entry that was not kept.
struct EnrollFailure {
  std::string id;
  // Its place among the entries, from 0.
  std::uint64_t index;
  Error error;
};

// Enrollment is what became of the entries of a stream.
struct Enrollment {
  std::uint64_t added = 0;
  std::uint64_t replaced = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t failed = 0;
  // Those that failed, in their order, the first 1,000.
  std::vector<EnrollFailure> failures;
};

// ThingMatch is a thing that an image may show.
struct ThingMatch {
  std::string thing;
  // The thing's entry that is most like the image.
  Entry entry;
  // That of the image and the entry, 0 to 1, as Client::compare says it.
  float similarity = 0;
  // The verdict: similarity at or above the threshold.
  bool same = false;
};

// Identification is the things that an image may show.
struct Identification {
  // Best first.
  std::vector<ThingMatch> matches;
  float threshold = 0;
  ModelReference model;
  // How familiar the image is to the model; unset where it does not tell.
  std::optional<Familiarity> familiarity;
  // Sentences for people where the similarities mean little, or a part of the gallery can't
  // be found; empty otherwise.
  std::string warning;
  Timings timings;
  // How many entries there are to search, before the filter.
  std::uint64_t searched_entries = 0;
};

// Duplicate is an entry of a group of entries that are alike.
struct Duplicate {
  Entry entry;
  // Its largest to another entry of the group, 0 to 1.
  float similarity = 0;
};

// DuplicateGroup is entries of which each is alike to another one.
struct DuplicateGroup {
  // At most 1,000: first the one that is alike to the most others.
  std::vector<Duplicate> entries;
  // How many further entries it has.
  std::uint64_t omitted_entries = 0;
};

// DuplicatesDone is the end of the groups.
struct DuplicatesDone {
  // How many entries were looked at.
  std::uint64_t entries = 0;
  // How many groups there were.
  std::uint64_t groups = 0;
};

// ReindexProgress is how far a gallery's move to a model is.
struct ReindexProgress {
  // Entries whose embeddings are of the new model now.
  std::uint64_t encoded = 0;
  // Entries that keep no picture to encode.
  std::uint64_t missing = 0;
  // Entries of the gallery.
  std::uint64_t entries = 0;
  // Whether the work has ended.
  bool done = false;
  // Entries that have to be sent again, the first 1,000; told with done.
  std::vector<std::string> missing_ids;
};

}  // namespace siamese
