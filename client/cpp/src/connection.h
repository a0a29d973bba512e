#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "siamese/options.h"

namespace siamese::internal {

// connect makes a channel as config says. Nothing is connected yet. Throws as Client's
// constructor.
std::shared_ptr<grpc::Channel> connect(const ClientConfig& config);

}  // namespace siamese::internal
