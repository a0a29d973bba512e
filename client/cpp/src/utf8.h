#pragma once

#include <string>

namespace siamese::internal {

// check_utf8 throws std::invalid_argument for a text that no message can carry; what names
// it, such as "an entry's id".
void check_utf8(const std::string& text, const char* what);

}  // namespace siamese::internal
