#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <vector>

namespace siamese::internal {

// Part is the items first to end, exclusive, of a list; one that is too large for any
// message is alone.
struct Part {
  std::size_t first;
  std::size_t end;
  bool too_large;
  std::size_t bytes;
};

// split splits items of these sizes, each with its tag and length, in order. An empty list
// is one empty part, which the server refuses in its own words; so is all where the request
// without items leaves no room.
std::vector<Part> split(const std::vector<std::size_t>& sizes, std::size_t max_items,
                        std::size_t max_bytes, std::size_t base);

// wire_size is the bytes of a message as an element of a list whose field has a number up
// to 15.
std::size_t wire_size(const google::protobuf::MessageLite& message);

}  // namespace siamese::internal
