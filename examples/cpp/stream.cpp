// Scores frames against a reference: stream ADDRESS REFERENCE FRAME…. A bad frame ends
// nothing.
#include <siamese/client.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: stream ADDRESS REFERENCE FRAME...\n");
    return 2;
  }
  try {
    siamese::Client client{std::string(argv[1])};
    int next = 3;
    const auto frames = [&]() -> std::optional<siamese::Image> {
      return next < argc ? std::optional(siamese::Image::file(argv[next++])) : std::nullopt;
    };
    const auto show = [&](const siamese::FrameResult& result) {
      const char* name = argv[3 + result.id];
      if (result.error) {
        std::printf("%s: %s\n", name, result.error->what());
      } else if (result.scores) {
        const siamese::ReferenceScore& score = result.scores->scores[0];
        std::printf("%s: %.4f %s\n", name, score.similarity, score.same ? "same" : "different");
      }
    };
    siamese::StreamOptions options;
    options.window = 2;
    client.stream({{"reference", siamese::Image::file(argv[2])}}, frames, show, options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
