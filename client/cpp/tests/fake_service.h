#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "siamese/image.h"
#include "siamese/v1/service.grpc.pb.h"

// FakeService speaks the contract in this process by simple rules: the similarity is the
// first byte of the last image over 100, an image that begins with 255 is bad, and a frame
// that begins with 200 is dropped. It fails unary calls as told.
class FakeService final : public siamese::v1::SiameseService::Service {
 public:
  static constexpr int max_items = 3;
  static constexpr int max_message = 2000;

  // beside is served at the same address.
  explicit FakeService(grpc::Service* beside = nullptr);
  ~FakeService() override;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // fail_next fails the next call; retry_millis below 0: without RetryInfo.
  void fail_next(grpc::StatusCode code, const std::string& reason, int retry_millis,
                 const std::string& field = {});
  int calls() const { return calls_; }
  std::vector<int> sizes();
  std::string token();

  std::atomic<int> streams{0};
  // Frames of the first stream after which it breaks, or drains.
  int break_after = std::numeric_limits<int>::max();
  int drain_after = std::numeric_limits<int>::max();

 private:
  using Context = grpc::ServerContext;
  grpc::Status GetServerInfo(Context*, const siamese::v1::GetServerInfoRequest*,
                             siamese::v1::GetServerInfoResponse*) override;
  grpc::Status Compare(Context*, const siamese::v1::CompareRequest*,
                       siamese::v1::CompareResponse*) override;
  grpc::Status BatchCompare(Context*, const siamese::v1::BatchCompareRequest*,
                            siamese::v1::BatchCompareResponse*) override;
  grpc::Status Rank(Context*, const siamese::v1::RankRequest*, siamese::v1::RankResponse*) override;
  grpc::Status Embed(Context*, const siamese::v1::EmbedRequest*, siamese::v1::EmbedResponse*) override;
  grpc::Status StreamCompare(
      Context*, grpc::ServerReaderWriter<siamese::v1::StreamCompareResponse,
                                         siamese::v1::StreamCompareRequest>*) override;

  // begin notes a call of this many items, and says how it ends if it fails.
  grpc::Status begin(const Context& context, int items);

  std::mutex mutex_;
  std::deque<grpc::Status> failures_;
  std::vector<int> sizes_;
  std::string token_;
  std::atomic<int> calls_{0};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// image_of is an encoded image of this size that begins with this byte.
siamese::Image image_of(int first, std::size_t size = 1);
