#include "siamese/client.h"

#include <grpcpp/generic/generic_stub.h>

#include <future>

#include "connection.h"
#include "convert.h"
#include "details.pb.h"
#include "impl.h"

namespace siamese {

Client::Impl::Impl(const ClientConfig& config)
    : caller(config.retry, config.deadline, config.token),
      channel(internal::connect(config)),
      service(v1::SiameseService::NewStub(channel)),
      galleries(v1::GalleryService::NewStub(channel)) {}

ServerInfo Client::Impl::info(const std::string& model, const internal::Caller::Time& time) {
  v1::GetServerInfoRequest request;
  request.set_model(model);
  v1::GetServerInfoResponse reply;
  caller.send(time, [&](grpc::ClientContext& context) {
    return service->GetServerInfo(&context, request, &reply);
  });
  return internal::to_info(reply);
}

Limits Client::Impl::limits(const internal::Caller::Time& time) {
  {
    const std::lock_guard lock(mutex_);
    if (limits_) {
      return *limits_;
    }
  }
  const Limits told = info("", time).limits;
  const std::lock_guard lock(mutex_);
  limits_ = told;
  return told;
}

namespace {

ClientConfig config_of(const std::string& address) {
  ClientConfig config;
  config.address = address;
  return config;
}

}  // namespace

Client::Client(const ClientConfig& config) : impl_(std::make_unique<Impl>(config)) {}
Client::Client(const std::string& address) : Client(config_of(address)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Comparison Client::compare(const Image& a, const Image& b, const CompareOptions& options) {
  v1::CompareRequest request;
  internal::fill(*request.mutable_image_a(), a);
  internal::fill(*request.mutable_image_b(), b);
  internal::fill(*request.mutable_options(), options);
  v1::CompareResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->service->Compare(&context, request, &reply);
  });
  return internal::to_comparison(reply);
}

ServerInfo Client::info(const std::string& model) {
  return impl_->info(model, impl_->caller.begin(std::nullopt));
}

bool Client::is_serving(const std::string& serving_name) {
  constexpr int serving = 1;
  wire::HealthCheckRequest request;
  if (!serving_name.empty()) {
    request.set_service(std::string(v1::SiameseService::service_full_name()) + "/" + serving_name);
  }
  wire::HealthCheckResponse reply;
  grpc::ClientContext context;
  impl_->caller.prepare(context);
  context.set_deadline(impl_->caller.begin(std::nullopt).end_of_request());
  grpc::TemplatedGenericStub<wire::HealthCheckRequest, wire::HealthCheckResponse> stub(impl_->channel);
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &reply,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  if (!status.ok()) {
    throw internal::to_error(status);
  }
  return reply.status() == serving;
}

}  // namespace siamese
