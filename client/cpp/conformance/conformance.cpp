// The runner of testdata/conformance: every case by this client, one line of JSON each.
// conformance ADDRESS CASES_FILE

#include <openssl/sha.h>
#include <siamese/client.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using nlohmann::json;
using siamese::Image;
using Lines = std::vector<std::string>;

std::string words(const siamese::Error& e) {
  return std::string(siamese::name(e.code())) + "/" + e.reason() + "/" + e.field();
}

std::string digits(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

std::string verdict(bool same) { return same ? " same" : " different"; }

std::string score(const siamese::PairScore& pair) {
  const bool prepared = !pair.prepared_a_png.empty() && !pair.prepared_b_png.empty();
  return digits(pair.similarity) + verdict(pair.same) + (prepared ? " prepared" : "");
}

// sha is of the values as little-endian float32, on a little-endian machine.
std::string sha(const std::vector<float>& values) {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(values.data()), values.size() * sizeof(float), sum);
  std::string text;
  for (const unsigned char byte : sum) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

void set_options(siamese::CompareOptions& options, const json& one) {
  options.model = one.value("model", "");
  options.include_prepared = one.value("include_prepared", false);
  if (one.contains("threshold")) {
    options.threshold = one["threshold"].get<float>();
  }
}

class Runner {
 public:
  Runner(siamese::Client& client, std::filesystem::path folder)
      : client_(client), folder_(std::move(folder)) {}

  json run(const json& one) {
    json line = {{"case", one["case"]}};
    if (one["call"] == "gallery") {
      line["unsupported"] = "the client has no calls of galleries yet";
      return line;
    }
    try {
      line["results"] = call(one);
    } catch (const siamese::Error& e) {
      line["error"] = words(e);
    }
    return line;
  }

 private:
  Lines call(const json& one) {
    const std::string name = one["call"];
    siamese::CompareOptions options;
    set_options(options, one);
    if (name == "compare") {
      return {score(client_.compare(image(one["a"]), image(one["b"]), options))};
    }
    if (name == "batch") return batch(one, options);
    if (name == "rank") return rank(one);
    if (name == "embed") return embed(one, options);
    if (name == "stream") return stream(one);
    if (name == "info") return info(one);
    throw std::runtime_error("received the call " + name + ", expected a known one");
  }

  Lines batch(const json& one, const siamese::CompareOptions& options) {
    std::vector<siamese::Pair> pairs;
    for (const json& pair : one["pairs"]) {
      pairs.push_back({image(pair[0]), image(pair[1])});
    }
    Lines lines;
    for (const auto& result : client_.batch(pairs, options).results) {
      lines.push_back(result ? score(*result) : words(result.error()));
    }
    return lines;
  }

  Lines rank(const json& one) {
    siamese::RankOptions options;
    set_options(options, one);
    options.top_k = one.value("top_k", 0U);
    options.min_similarity = one.value("min_similarity", 0.0F);
    const auto ranking = client_.rank(image(one["query"]), images(one["candidates"]), options);
    Lines lines;
    for (const auto& match : ranking.matches) {
      lines.push_back(std::to_string(match.index) + " " + digits(match.similarity) + verdict(match.same));
    }
    for (const auto& [index, error] : ranking.failed) {
      lines.push_back(std::to_string(index) + " " + words(error));
    }
    return lines;
  }

  Lines embed(const json& one, const siamese::CompareOptions& options) {
    Lines lines;
    for (const auto& result : client_.embed(images(one["images"]), options).results) {
      if (!result) {
        lines.push_back(words(result.error()));
        continue;
      }
      const auto& values = result->embedding.values;
      lines.push_back(std::to_string(values.size()) + " " + sha(values));
    }
    return lines;
  }

  Lines stream(const json& one) {
    siamese::StreamOptions options;
    set_options(options, one);
    options.window = 1;
    siamese::Stream stream = client_.open_stream(options);
    Lines lines;
    for (const auto& [name, picture] : one["references"].items()) {  // in the order of names
      std::string outcome = "ok";
      try {
        stream.set_reference(name, image(picture));
      } catch (const siamese::Error& e) {
        outcome = words(e);
      }
      lines.push_back(name + " " + outcome);
    }
    for (const Image& frame : images(one["frames"])) {
      stream.send(frame);
      lines.push_back(scores(stream.receive().value()));
    }
    return lines;
  }

  static std::string scores(const siamese::FrameResult& result) {
    if (result.error) {
      return words(*result.error);
    }
    Lines each;
    for (const auto& score : result.scores.value().scores) {
      each.push_back(score.reference + "=" + digits(score.similarity));
    }
    std::sort(each.begin(), each.end());
    std::string line;
    for (const std::string& one : each) {
      line += (line.empty() ? "" : " ") + one;
    }
    return line;
  }

  Lines info(const json& one) {
    const auto info = client_.info(one.value("model", ""));
    const auto& model = info.model;
    Lines lines = {model.reference.name + " " + model.reference.digest + " " +
                   std::to_string(model.embedding_length)};
    for (const auto& served : info.models) {
      lines.push_back(served.reference.name);
    }
    return lines;
  }

  std::vector<Image> images(const json& list) {
    std::vector<Image> all;
    for (const json& one : list) {
      all.push_back(image(one));
    }
    return all;
  }

  Image image(const json& given) {
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

  Image raw(const json& given) {
    const std::string format = given["format"];
    const Image file = Image::file(folder_ / given["raw"].get<std::string>());
    const auto& bytes = std::get<Image::Encoded>(file.source()).bytes;
    const auto layout = format == "RGB8"    ? Image::PixelFormat::rgb8
                        : format == "GRAY8" ? Image::PixelFormat::gray8
                                            : Image::PixelFormat::unspecified;
    return Image::raw(given["width"], given["height"], layout, bytes.data(), bytes.size());
  }

  Image embedding_of(const json& given) {
    siamese::CompareOptions options;
    set_options(options, given);
    const Image file = Image::file(folder_ / given["embedding_of"].get<std::string>());
    siamese::Embedding made = client_.embed({file}, options).results.at(0)->embedding;
    if (given.contains("keep")) {
      made.values.resize(given["keep"]);
    }
    return Image::embedding(std::move(made));
  }

  siamese::Client& client_;
  std::filesystem::path folder_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: conformance ADDRESS CASES_FILE\n";
    return 2;
  }
  try {
    std::ifstream in(argv[2]);
    const json cases = json::parse(in);
    siamese::Client client{std::string(argv[1])};
    Runner runner(client, std::filesystem::path(argv[2]).parent_path());
    for (const json& one : cases) {
      std::cout << runner.run(one).dump() << std::endl;
    }
  } catch (const std::exception& e) {
    std::cerr << "conformance: " << e.what() << '\n';
    return 1;
  }
}
