#include "texts.h"

#include <openssl/sha.h>

#include <cstdio>

namespace {

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

}  // namespace

std::string words(const siamese::Error& e) {
  return std::string(siamese::name(e.code())) + "/" + e.reason() + "/" + e.field();
}

std::string digits(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

std::string verdict(bool same) { return same ? " same" : " different"; }

std::string text_of(const siamese::Embedding& embedding) {
  return std::to_string(embedding.values.size()) + " " + sha(embedding.values);
}
