// The runner of testdata/conformance: every case by this client, one line of JSON each.
// conformance ADDRESS CASES_FILE

#include <siamese/client.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "galleries.h"
#include "pictures.h"
#include "texts.h"

namespace {

using nlohmann::json;
using siamese::Image;

std::string score(const siamese::PairScore& pair) {
  const bool prepared = !pair.prepared_a_png.empty() && !pair.prepared_b_png.empty();
  return digits(pair.similarity) + verdict(pair.same) + (prepared ? " prepared" : "");
}

class Runner {
 public:
  Runner(siamese::Client& client, std::filesystem::path folder)
      : client_(client), pictures_(client, std::move(folder)) {}

  json run(const json& one) {
    json line = {{"case", one["case"]}};
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
      return {score(client_.compare(pictures_.image(one["a"]), pictures_.image(one["b"]), options))};
    }
    if (name == "batch") return batch(one, options);
    if (name == "rank") return rank(one);
    if (name == "embed") return embed(one, options);
    if (name == "stream") return stream(one);
    if (name == "info") return info(one);
    if (name == "gallery") return run_gallery(client_, pictures_, one);
    throw std::runtime_error("received the call " + name + ", expected a known one");
  }

  Lines batch(const json& one, const siamese::CompareOptions& options) {
    std::vector<siamese::Pair> pairs;
    for (const json& pair : one["pairs"]) {
      pairs.push_back({pictures_.image(pair[0]), pictures_.image(pair[1])});
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
    const auto ranking = client_.rank(pictures_.image(one["query"]),
                                      pictures_.images(one["candidates"]), options);
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
    for (const auto& result : client_.embed(pictures_.images(one["images"]), options).results) {
      if (!result) {
        lines.push_back(words(result.error()));
        continue;
      }
      lines.push_back(text_of(result->embedding));
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
        stream.set_reference(name, pictures_.image(picture));
      } catch (const siamese::Error& e) {
        outcome = words(e);
      }
      lines.push_back(name + " " + outcome);
    }
    for (const Image& frame : pictures_.images(one["frames"])) {
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

  siamese::Client& client_;
  Pictures pictures_;
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
