#include "parts.h"

#include <doctest/doctest.h>

#include "failure.h"

using siamese::internal::Part;
using siamese::internal::shift_field;
using siamese::internal::split;

namespace {

std::string text(const std::vector<Part>& parts) {
  std::string all;
  for (const Part& part : parts) {
    all += std::to_string(part.first) + "-" + std::to_string(part.end) + (part.too_large ? "! " : " ");
  }
  return all;
}

}  // namespace

TEST_CASE("lists are split by number and bytes") {
  CHECK(text(split({1, 1, 1, 1, 1}, 2, 100, 0)) == "0-2 2-4 4-5 ");
  CHECK(text(split({40, 60, 1}, 9, 100, 0)) == "0-2 2-3 ");
  CHECK(text(split({40, 60, 1}, 9, 100, 1)) == "0-1 1-3 ");
  CHECK(text(split({1, 101, 1}, 9, 100, 0)) == "0-1 1-2! 2-3 ");
  CHECK(text(split({101}, 9, 100, 0)) == "0-1! ");
  CHECK(text(split({}, 9, 100, 0)) == "0-0 ");
  CHECK(text(split({1, 1}, 9, 100, 100)) == "0-2 ");
}

TEST_CASE("fields are told as of the whole list") {
  CHECK(shift_field("pairs[1].image_a", "pairs", 64) == "pairs[65].image_a");
  CHECK(shift_field("candidates[1]", "pairs", 64) == "candidates[1]");
  CHECK(shift_field("pairs[x]", "pairs", 64) == "pairs[x]");
  CHECK(shift_field("pairs[99999999999999999999]", "pairs", 64) == "pairs[99999999999999999999]");
  CHECK(shift_field("options.threshold", "pairs", 64) == "options.threshold");
}
