#include "gallery_convert.h"

#include <algorithm>

#include "convert.h"
#include "failure.h"
#include "utf8.h"

namespace siamese::internal {
namespace {

void fill_map(google::protobuf::Map<std::string, std::string>& message, const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    check_utf8(key, "a key of metadata");
    check_utf8(value, "a value of metadata");
    message[key] = value;
  }
}

std::optional<Embedding> to_embedding(const v1::Entry& message) {
  if (!message.has_embedding()) {
    return std::nullopt;
  }
  const auto& values = message.embedding().values();
  return Embedding{{values.begin(), values.end()}, message.embedding().model_digest()};
}

}  // namespace

std::chrono::system_clock::time_point to_time(const google::protobuf::Timestamp& timestamp) {
  using Time = std::chrono::system_clock;
  // More than nanoseconds can count since 1970 would wrap around: the year 2255.
  constexpr std::int64_t most = 9'000'000'000;
  const auto since = std::chrono::seconds(std::clamp(timestamp.seconds(), -most, most)) +
                     std::chrono::nanoseconds(timestamp.nanos());
  return Time::time_point(std::chrono::duration_cast<Time::duration>(since));
}

Gallery to_gallery(const v1::Gallery& message) {
  Gallery gallery;
  gallery.name = message.name();
  gallery.model = message.model();
  gallery.reference = to_model(message.reference());
  gallery.entries = message.entries();
  gallery.stale_entries = message.stale_entries();
  gallery.keep_pictures = message.keep_pictures();
  gallery.keep_thumbnails = message.keep_thumbnails();
  gallery.created = to_time(message.created());
  gallery.reindexing = message.reindexing();
  return gallery;
}

Entry to_entry(const v1::Entry& message) {
  Entry entry;
  entry.id = message.id();
  entry.thing = message.thing();
  entry.metadata = {message.metadata().begin(), message.metadata().end()};
  entry.picture_sha256 = message.picture_sha256();
  entry.model_digest = message.model_digest();
  entry.enrolled = to_time(message.enrolled());
  entry.familiarity = to_familiarity(message);
  entry.thumbnail_jpeg = message.thumbnail_jpeg();
  entry.picture = message.picture();
  entry.embedding = to_embedding(message);
  return entry;
}

EntryPage to_page(const v1::ListEntriesResponse& reply) {
  EntryPage page;
  for (const auto& entry : reply.entries()) {
    page.entries.push_back(to_entry(entry));
  }
  page.next_page_token = reply.next_page_token();
  return page;
}

Item<EnrolledEntry> to_enrolled(const v1::EnrollResult& result, std::size_t offset) {
  if (result.has_error()) {
    return to_error(result.error(), offset, "entries");
  }
  if (!result.has_status()) {
    return plain(Code::internal, "received a result with nothing in it, expected how the entry was "
                                 "kept, or why it was not");
  }
  return EnrolledEntry{static_cast<EnrollStatus>(result.status()), to_familiarity(result),
                       result.warning()};
}

Enrollment to_enrollment(const v1::EnrollResponse& reply) {
  Enrollment enrollment{reply.added(), reply.replaced(), reply.unchanged(), reply.failed(), {}};
  for (const auto& failed : reply.failures()) {
    enrollment.failures.push_back({failed.id(), failed.index(), to_error(failed.error())});
  }
  return enrollment;
}

Identification to_identification(const v1::IdentifyResponse& reply) {
  Identification found;
  for (const auto& match : reply.matches()) {
    found.matches.push_back({match.thing(), to_entry(match.entry()), match.similarity(), match.same()});
  }
  found.threshold = reply.threshold();
  found.model = to_model(reply.model());
  found.familiarity = to_familiarity(reply);
  found.warning = reply.warning();
  found.timings = to_timings(reply.timings());
  found.searched_entries = reply.searched_entries();
  return found;
}

DuplicateGroup to_group(const v1::DuplicateGroup& message) {
  DuplicateGroup group;
  for (const auto& one : message.entries()) {
    group.entries.push_back({to_entry(one.entry()), one.similarity()});
  }
  group.omitted_entries = message.omitted_entries();
  return group;
}

ReindexProgress to_progress(const v1::ReindexResponse& reply) {
  return {reply.encoded(), reply.missing(), reply.entries(), reply.done(),
          {reply.missing_ids().begin(), reply.missing_ids().end()}};
}

const std::string& gallery_name(const std::string& gallery) {
  check_utf8(gallery, "a gallery's name");
  return gallery;
}

void fill(v1::NewEntry& message, const NewEntry& entry) {
  check_utf8(entry.id, "an entry's id");
  check_utf8(entry.thing, "an entry's thing");
  message.set_id(entry.id);
  message.set_thing(entry.thing);
  fill_map(*message.mutable_metadata(), entry.metadata);
  fill(*message.mutable_image(), entry.image);
}

void fill(v1::ListEntriesRequest& request, const EntryListOptions& options) {
  check_utf8(options.thing, "a thing");
  fill_map(*request.mutable_filter(), options.filter);
  request.set_thing(options.thing);
  request.set_stale_only(options.stale_only);
  request.set_include_thumbnails(options.include_thumbnails);
  request.set_page_size(options.page_size);
}

void fill(v1::IdentifyRequest& request, const IdentifyOptions& options) {
  request.set_top_k(options.top_k);
  request.set_min_similarity(options.min_similarity);
  fill_map(*request.mutable_filter(), options.filter);
  if (options.threshold) {
    request.set_threshold(*options.threshold);
  }
  request.set_include_thumbnails(options.include_thumbnails);
  request.set_test_time_views(options.test_time_views);
}

void fill(v1::FindDuplicatesRequest& request, const DuplicateOptions& options) {
  if (options.threshold) {
    request.set_threshold(*options.threshold);
  }
  fill_map(*request.mutable_filter(), options.filter);
  request.set_across_things(options.across_things);
}

}  // namespace siamese::internal
