#include "parts.h"

#include <google/protobuf/io/coded_stream.h>

namespace siamese::internal {

std::vector<Part> split(const std::vector<std::size_t>& sizes, std::size_t max_items,
                        std::size_t max_bytes, std::size_t base) {
  if (base >= max_bytes) {
    return {{0, sizes.size(), false, 0}};
  }
  const std::size_t room = max_bytes - base;
  std::vector<Part> parts;
  std::size_t first = 0;
  std::size_t used = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i > first && (i - first >= max_items || used + sizes[i] > room)) {
      parts.push_back({first, i, false, used});
      first = i;
      used = 0;
    }
    used += sizes[i];
    if (sizes[i] > room) {
      parts.push_back({i, i + 1, true, sizes[i]});
      first = i + 1;
      used = 0;
    }
  }
  if (first < sizes.size() || parts.empty()) {
    parts.push_back({first, sizes.size(), false, used});
  }
  return parts;
}

std::size_t wire_size(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  return 1 + google::protobuf::io::CodedOutputStream::VarintSize64(size) + size;
}

Error refused(const Part& part, const Limits& limits, const std::string& list) {
  return too_large(part.bytes, limits.max_message_bytes,
                   list + "[" + std::to_string(part.first) + "]");
}

}  // namespace siamese::internal
