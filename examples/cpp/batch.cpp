// Compares 100 pairs of the files of a folder in one call: batch ADDRESS FOLDER.
#include <siamese/client.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace {

constexpr std::size_t pairs = 100;

std::vector<std::filesystem::path> files_of(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void compare_all(siamese::Client& client, const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> names;
  std::vector<siamese::Pair> list;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto& a = files[i % files.size()];
    const auto& b = files[(i + i / files.size()) % files.size()];
    names.push_back(a.filename().string() + " " + b.filename().string());
    list.push_back({siamese::Image::file(a), siamese::Image::file(b)});
  }
  const siamese::BatchComparison batch = client.batch(list);  // in as many requests as it takes
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto& result = batch.results[i];
    if (result) {
      std::printf("%s: %.4f %s\n", names[i].c_str(), result->similarity,
                  result->same ? "same" : "different");
    } else {
      std::printf("%s: %s\n", names[i].c_str(), result.error().what());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: batch ADDRESS FOLDER\n");
    return 2;
  }
  try {
    siamese::Client client{std::string(argv[1])};
    const auto files = files_of(argv[2]);
    if (files.empty()) {
      std::fprintf(stderr, "%s has no files, expected pictures\n", argv[2]);
      return 1;
    }
    compare_all(client, files);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
