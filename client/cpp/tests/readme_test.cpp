// README.md shows the examples as they are.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string read(const std::string& path) {
  std::ifstream in(std::string(SOURCE_ROOT) + "/" + path);
  REQUIRE_MESSAGE(in.is_open(), path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("README.md shows the examples") {
  const std::string readme = read("client/cpp/README.md");
  for (const std::string name : {"compare", "batch", "stream", "gallery"}) {
    const std::string path = "examples/cpp/" + name + ".cpp";
    CAPTURE(path);
    const std::string shown = "<!-- " + path + " -->\n```cpp\n" + read(path) + "```\n";
    CHECK(readme.find(shown) != std::string::npos);
  }
}
