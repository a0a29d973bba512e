#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <mutex>
#include <optional>

#include "caller.h"
#include "siamese/client.h"
#include "siamese/v1/gallery.grpc.pb.h"
#include "siamese/v1/service.grpc.pb.h"

namespace siamese {

class Client::Impl {
 public:
  explicit Impl(const ClientConfig& config);

  ServerInfo info(const std::string& model, const internal::Caller::Time& time);
  // limits are asked for once; two threads may both ask, and are told the same.
  Limits limits(const internal::Caller::Time& time);
  EntryPage entry_page(v1::ListEntriesRequest& request, const std::string& page_token,
                       const internal::Caller::Time& time);

  const internal::Caller caller;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::SiameseService::Stub> service;
  const std::unique_ptr<v1::GalleryService::Stub> galleries;

 private:
  std::mutex mutex_;
  std::optional<Limits> limits_;  // guarded by mutex_
};

}  // namespace siamese
