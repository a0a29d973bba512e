#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "siamese/v1/gallery.grpc.pb.h"

// FakeGalleries speaks the gallery's part of the contract by simple rules, and keeps what it
// was asked. An entry whose image begins with 255 is bad.
class FakeGalleries final : public siamese::v1::GalleryService::Service {
 public:
  // What calls answer; of FindDuplicates and Reindex all messages.
  siamese::v1::Gallery gallery;
  siamese::v1::Entry entry;
  siamese::v1::IdentifyResponse identified;
  std::vector<siamese::v1::FindDuplicatesResponse> found;
  std::vector<siamese::v1::ReindexResponse> progress;
  // How many results BatchEnroll leaves out.
  int forgotten_results = 0;
  // How many entries Enroll takes, or messages FindDuplicates and Reindex send, before they
  // fail.
  std::size_t fail_after = 0;

  // fail_next ends the next call with this code.
  void fail_next(grpc::StatusCode code);

  // The last request in protobuf's text format, of Enroll its first message.
  std::string asked();
  // The ids that came by Enroll and BatchEnroll, a list a call.
  std::vector<std::vector<std::string>> ids();
  // Whether the client ended the last call before its answer.
  bool cancelled();
  // Whether the last call had a deadline.
  bool had_deadline();

 private:
  using Context = grpc::ServerContext;
  template <typename Message>
  using Writer = grpc::ServerWriter<Message>;

  grpc::Status CreateGallery(Context*, const siamese::v1::CreateGalleryRequest*,
                             siamese::v1::CreateGalleryResponse*) override;
  grpc::Status GetGallery(Context*, const siamese::v1::GetGalleryRequest*,
                          siamese::v1::GetGalleryResponse*) override;
  grpc::Status ListGalleries(Context*, const siamese::v1::ListGalleriesRequest*,
                             siamese::v1::ListGalleriesResponse*) override;
  grpc::Status DeleteGallery(Context*, const siamese::v1::DeleteGalleryRequest*,
                             siamese::v1::DeleteGalleryResponse*) override;
  grpc::Status Enroll(Context*, grpc::ServerReader<siamese::v1::EnrollRequest>*,
                      siamese::v1::EnrollResponse*) override;
  grpc::Status BatchEnroll(Context*, const siamese::v1::BatchEnrollRequest*,
                           siamese::v1::BatchEnrollResponse*) override;
  grpc::Status RemoveEntries(Context*, const siamese::v1::RemoveEntriesRequest*,
                             siamese::v1::RemoveEntriesResponse*) override;
  grpc::Status GetEntry(Context*, const siamese::v1::GetEntryRequest*,
                        siamese::v1::GetEntryResponse*) override;
  grpc::Status ListEntries(Context*, const siamese::v1::ListEntriesRequest*,
                           siamese::v1::ListEntriesResponse*) override;
  grpc::Status Identify(Context*, const siamese::v1::IdentifyRequest*,
                        siamese::v1::IdentifyResponse*) override;
  grpc::Status FindDuplicates(Context*, const siamese::v1::FindDuplicatesRequest*,
                              Writer<siamese::v1::FindDuplicatesResponse>*) override;
  grpc::Status Reindex(Context*, const siamese::v1::ReindexRequest*,
                       Writer<siamese::v1::ReindexResponse>*) override;

  // note keeps what was asked, and says how the call ends.
  grpc::Status note(const Context& context, const google::protobuf::Message& request);
  std::mutex mutex_;
  std::deque<grpc::Status> failures_;
  std::string asked_;
  std::vector<std::vector<std::string>> ids_;
  bool cancelled_ = false;
  bool had_deadline_ = false;
};
