#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "failure.h"
#include "siamese/info.h"

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

// divide splits items into requests that the server takes; base is one without items.
template <typename Message, typename Request>
std::vector<Part> divide(const std::vector<Message>& items, std::size_t max_items,
                         std::size_t max_bytes, const Request& base) {
  std::vector<std::size_t> sizes(items.size());
  std::transform(items.begin(), items.end(), sizes.begin(),
                 [](const Message& item) { return wire_size(item); });
  return split(sizes, max_items, max_bytes, base.ByteSizeLong());
}

// take moves the items of a part into a request's list.
template <typename Message>
void take(std::vector<Message>& items, const Part& part,
          google::protobuf::RepeatedPtrField<Message>& list) {
  for (std::size_t i = part.first; i < part.end; ++i) {
    list.Add(std::move(items[i]));
  }
}

// refused is the error of a part that is too large.
Error refused(const Part& part, const Limits& limits, const std::string& list);

}  // namespace siamese::internal
