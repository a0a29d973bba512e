#include "pictures.h"

#include <cstdint>
#include <string>

using nlohmann::json;
using siamese::Image;

void set_options(siamese::CompareOptions& options, const json& one) {
  options.model = one.value("model", "");
  options.include_prepared = one.value("include_prepared", false);
  options.test_time_views = one.value("test_time_views", std::uint32_t{0});
  if (one.contains("threshold")) {
    options.threshold = one["threshold"].get<float>();
  }
}

std::vector<Image> Pictures::images(const json& list) {
  std::vector<Image> all;
  for (const json& one : list) {
    all.push_back(image(one));
  }
  return all;
}

Image Pictures::image(const json& given) {
  if (given.is_null()) {
    return {};
  }
  if (given.is_string()) {
    return Image::file(folder_ / given.get<std::string>());
  }
  if (given.contains("reference")) {
    return Image::reference(given["reference"]);
  }
  return given.contains("raw") ? raw(given) : embedding_of(given);
}

Image Pictures::raw(const json& given) {
  const std::string format = given["format"];
  const Image file = Image::file(folder_ / given["raw"].get<std::string>());
  const auto& bytes = std::get<Image::Encoded>(file.source()).bytes;
  const auto layout = format == "RGB8"    ? Image::PixelFormat::rgb8
                      : format == "GRAY8" ? Image::PixelFormat::gray8
                                          : Image::PixelFormat::unspecified;
  return Image::raw(given["width"], given["height"], layout, bytes.data(), bytes.size());
}

Image Pictures::embedding_of(const json& given) {
  siamese::CompareOptions options;
  set_options(options, given);
  const Image file = Image::file(folder_ / given["embedding_of"].get<std::string>());
  siamese::Embedding made = client_.embed({file}, options).results.at(0)->embedding;
  if (given.contains("keep")) {
    made.values.resize(given["keep"]);
  }
  return Image::embedding(std::move(made));
}
