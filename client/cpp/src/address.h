#pragma once

#include <string>

namespace siamese::internal {

// Address is where a server is, as gRPC takes it, and whether it asks for TLS.
struct Address {
  std::string target;
  bool tls = false;
};

// parse_address reads an address as people write it. Throws std::invalid_argument that says
// what to write.
Address parse_address(const std::string& text);

}  // namespace siamese::internal
