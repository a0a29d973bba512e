#pragma once

#include <siamese/client.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

// Pictures are the pictures of cases, as testdata/conformance/README.md says.
class Pictures {
 public:
  Pictures(siamese::Client& client, std::filesystem::path folder)
      : client_(client), folder_(std::move(folder)) {}

  siamese::Image image(const nlohmann::json& given);
  std::vector<siamese::Image> images(const nlohmann::json& list);

 private:
  siamese::Image raw(const nlohmann::json& given);
  siamese::Image embedding_of(const nlohmann::json& given);

  siamese::Client& client_;
  std::filesystem::path folder_;
};

// set_options sets what a case has of model, threshold, include_prepared and test_time_views.
void set_options(siamese::CompareOptions& options, const nlohmann::json& one);
