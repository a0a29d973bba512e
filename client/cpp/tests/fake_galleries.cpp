#include "fake_galleries.h"

#include <algorithm>
#include <chrono>

namespace v1 = siamese::v1;

namespace {

// write sends messages: all, or those before the failure.
template <typename Message>
grpc::Status write(const std::vector<Message>& messages, grpc::ServerWriter<Message>& writer,
                   const grpc::Status& status, std::size_t fail_after) {
  const std::size_t most = status.ok() ? messages.size() : std::min(fail_after, messages.size());
  for (std::size_t i = 0; i < most; ++i) {
    writer.Write(messages[i]);
  }
  return status;
}

bool is_bad(const v1::NewEntry& entry) { return entry.image().encoded()[0] == static_cast<char>(255); }

void set_bad(v1::ItemError& error, const std::string& field) {
  error.set_code(3);
  error.set_reason("IMAGE_UNDECODABLE");
  error.set_message("bad");
  error.set_field(field);
}

}  // namespace

void FakeGalleries::fail_next(grpc::StatusCode code) {
  const std::lock_guard lock(mutex_);
  failures_.emplace_back(code, "as told");
}

std::string FakeGalleries::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<std::vector<std::string>> FakeGalleries::ids() {
  const std::lock_guard lock(mutex_);
  return ids_;
}

bool FakeGalleries::cancelled() {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

bool FakeGalleries::had_deadline() {
  const std::lock_guard lock(mutex_);
  return had_deadline_;
}

grpc::Status FakeGalleries::note(const Context& context, const google::protobuf::Message& request) {
  const std::lock_guard lock(mutex_);
  asked_ = request.ShortDebugString();
  had_deadline_ = context.deadline() < std::chrono::system_clock::now() + std::chrono::hours(24);
  if (failures_.empty()) {
    return grpc::Status::OK;
  }
  const grpc::Status status = failures_.front();
  failures_.pop_front();
  return status;
}

grpc::Status FakeGalleries::CreateGallery(Context* context, const v1::CreateGalleryRequest* request,
                                          v1::CreateGalleryResponse* reply) {
  *reply->mutable_gallery() = gallery;
  return note(*context, *request);
}

grpc::Status FakeGalleries::GetGallery(Context* context, const v1::GetGalleryRequest* request,
                                       v1::GetGalleryResponse* reply) {
  *reply->mutable_gallery() = gallery;
  return note(*context, *request);
}

grpc::Status FakeGalleries::ListGalleries(Context* context, const v1::ListGalleriesRequest* request,
                                          v1::ListGalleriesResponse* reply) {
  reply->add_galleries()->set_name("a");
  reply->add_galleries()->set_name("b");
  return note(*context, *request);
}

grpc::Status FakeGalleries::DeleteGallery(Context* context, const v1::DeleteGalleryRequest* request,
                                          v1::DeleteGalleryResponse* reply) {
  reply->set_entries(7);
  return note(*context, *request);
}

grpc::Status FakeGalleries::Enroll(Context* context, grpc::ServerReader<v1::EnrollRequest>* stream,
                                   v1::EnrollResponse* reply) {
  std::vector<std::string> ids;
  v1::EnrollRequest request;
  stream->Read(&request);
  const grpc::Status status = note(*context, request);
  while ((status.ok() || ids.size() < fail_after) && stream->Read(&request)) {
    if (is_bad(request.entry())) {
      auto& failed = *reply->add_failures();
      failed.set_id(request.entry().id());
      failed.set_index(ids.size());
      set_bad(*failed.mutable_error(), "entry.image");
    }
    ids.push_back(request.gallery() + request.entry().id());
  }
  reply->set_failed(static_cast<std::uint64_t>(reply->failures_size()));
  reply->set_added(ids.size() - reply->failed());
  const std::lock_guard lock(mutex_);
  ids_.push_back(ids);
  cancelled_ = context->IsCancelled();
  return status;
}

grpc::Status FakeGalleries::BatchEnroll(Context* context, const v1::BatchEnrollRequest* request,
                                        v1::BatchEnrollResponse* reply) {
  std::vector<std::string> ids;
  for (const auto& one : request->entries()) {
    auto& result = *reply->add_results();
    if (is_bad(one)) {
      set_bad(*result.mutable_error(), "entries[" + std::to_string(ids.size()) + "].image");
    } else {
      result.set_status(one.thing().empty() ? v1::ENROLL_STATUS_ADDED : v1::ENROLL_STATUS_REPLACED);
      result.mutable_familiarity()->set_value(0.5F);
    }
    ids.push_back(one.id());
  }
  for (int i = 0; i < forgotten_results; ++i) {
    reply->mutable_results()->RemoveLast();
  }
  reply->mutable_timings()->mutable_total()->set_seconds(1);
  {
    const std::lock_guard lock(mutex_);
    ids_.push_back(ids);
  }
  return note(*context, *request);
}

grpc::Status FakeGalleries::RemoveEntries(Context* context, const v1::RemoveEntriesRequest* request,
                                          v1::RemoveEntriesResponse* reply) {
  reply->set_removed(3);
  return note(*context, *request);
}

grpc::Status FakeGalleries::GetEntry(Context* context, const v1::GetEntryRequest* request,
                                     v1::GetEntryResponse* reply) {
  *reply->mutable_entry() = entry;
  return note(*context, *request);
}

// ListEntries has three pages, of two entries, none and one.
grpc::Status FakeGalleries::ListEntries(Context* context, const v1::ListEntriesRequest* request,
                                        v1::ListEntriesResponse* reply) {
  if (request->page_token().empty()) {
    reply->add_entries()->set_id("a");
    reply->add_entries()->set_id("b");
    reply->set_next_page_token("second");
  } else if (request->page_token() == "second") {
    reply->set_next_page_token("third");
  } else {
    reply->add_entries()->set_id("c");
  }
  return note(*context, *request);
}

grpc::Status FakeGalleries::Identify(Context* context, const v1::IdentifyRequest* request,
                                     v1::IdentifyResponse* reply) {
  *reply = identified;
  return note(*context, *request);
}

grpc::Status FakeGalleries::FindDuplicates(Context* context, const v1::FindDuplicatesRequest* request,
                                           Writer<v1::FindDuplicatesResponse>* writer) {
  return write(found, *writer, note(*context, *request), fail_after);
}

grpc::Status FakeGalleries::Reindex(Context* context, const v1::ReindexRequest* request,
                                    Writer<v1::ReindexResponse>* writer) {
  return write(progress, *writer, note(*context, *request), fail_after);
}
