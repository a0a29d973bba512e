#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>

#include "siamese/error.h"
#include "siamese/v1/common.pb.h"

namespace siamese::internal {

// shift_field moves the index of a path that begins with this list, such as
// pairs[3].image_b.
std::string shift_field(const std::string& field, const std::string& list, std::size_t offset);

// to_error converts what a call returned; its field is moved by offset items of the list.
Error to_error(const grpc::Status& status, std::size_t offset = 0, const std::string& list = {});

// to_error converts the error of an item.
Error to_error(const v1::ItemError& error, std::size_t offset = 0, const std::string& list = {});

// too_large is an item that fits no message.
Error too_large(std::size_t bytes, std::size_t limit, const std::string& field);

// plain is an error without details.
Error plain(Code code, const std::string& message);

}  // namespace siamese::internal
