#pragma once

#include <siamese/client.h>

#include <string>
#include <vector>

// Lines are the results of a case, as testdata/conformance/README.md says.
using Lines = std::vector<std::string>;

std::string words(const siamese::Error& e);
std::string digits(float value);
std::string verdict(bool same);
std::string text_of(const siamese::Embedding& embedding);
