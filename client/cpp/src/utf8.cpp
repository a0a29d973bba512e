#include "utf8.h"

#include <cstdio>
#include <stdexcept>
#include <string_view>

namespace siamese::internal {
namespace {

// Lead is what may follow the first byte of a character: one byte of low to high, then more
// of 0x80 to 0xBF, so that it has this many in all.
struct Lead {
  unsigned char first, last;
  unsigned char low, high;
  std::size_t bytes;
};

// Unicode's table of well-formed sequences.
constexpr Lead leads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

bool within(char byte, unsigned char low, unsigned char high) {
  const auto value = static_cast<unsigned char>(byte);
  return low <= value && value <= high;
}

// first_character is how many bytes it has; 0: it is none.
std::size_t first_character(std::string_view text) {
  if (within(text[0], 0x00, 0x7F)) {
    return 1;
  }
  for (const Lead& lead : leads) {
    if (!within(text[0], lead.first, lead.last)) {
      continue;
    }
    if (text.size() < lead.bytes || !within(text[1], lead.low, lead.high)) {
      return 0;
    }
    for (std::size_t i = 2; i < lead.bytes; ++i) {
      if (!within(text[i], 0x80, 0xBF)) {
        return 0;
      }
    }
    return lead.bytes;
  }
  return 0;
}

// printable is the beginning of a text with all but visible ASCII as \xNN.
std::string printable(std::string_view text) {
  constexpr std::size_t most = 100;
  std::string shown;
  for (const char byte : text.substr(0, most)) {
    if (within(byte, 0x20, 0x7E)) {
      shown += byte;
      continue;
    }
    char escaped[5];
    const unsigned value = static_cast<unsigned char>(byte);
    std::snprintf(escaped, sizeof escaped, "\\x%02x", value);
    shown += escaped;
  }
  return shown + (text.size() > most ? "…" : "");
}

}  // namespace

void check_utf8(const std::string& text, const char* what) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t bytes = first_character(rest);
    if (bytes == 0) {
      throw std::invalid_argument(std::string("received ") + what + " \"" + printable(text) +
                                  "\", which is not UTF-8, expected UTF-8");
    }
    rest.remove_prefix(bytes);
  }
}

}  // namespace siamese::internal
