#pragma once

#include "google/protobuf/timestamp.pb.h"
#include "siamese/gallery.h"
#include "siamese/options.h"
#include "siamese/v1/gallery.pb.h"

// The messages of galleries turned into the client's own types, and back.
namespace siamese::internal {

std::chrono::system_clock::time_point to_time(const google::protobuf::Timestamp& timestamp);
Gallery to_gallery(const v1::Gallery& message);
Entry to_entry(const v1::Entry& message);
EntryPage to_page(const v1::ListEntriesResponse& reply);
// offset is the place of the request's first entry in the caller's list.
Item<EnrolledEntry> to_enrolled(const v1::EnrollResult& result, std::size_t offset);
Enrollment to_enrollment(const v1::EnrollResponse& reply);
Identification to_identification(const v1::IdentifyResponse& reply);
DuplicateGroup to_group(const v1::DuplicateGroup& message);
ReindexProgress to_progress(const v1::ReindexResponse& reply);

// What follows throws std::invalid_argument for texts that are not UTF-8.

// gallery_name returns it.
const std::string& gallery_name(const std::string& gallery);
void fill(v1::NewEntry& message, const NewEntry& entry);
void fill(v1::ListEntriesRequest& request, const EntryListOptions& options);
void fill(v1::IdentifyRequest& request, const IdentifyOptions& options);
void fill(v1::FindDuplicatesRequest& request, const DuplicateOptions& options);

}  // namespace siamese::internal
