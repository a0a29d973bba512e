// Says how alike two pictures are: compare ADDRESS PICTURE PICTURE.
#include <siamese/client.h>

#include <cstdio>
#include <exception>
#include <string>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: compare ADDRESS PICTURE PICTURE\n");
    return 2;
  }
  try {
    siamese::Client client{std::string(argv[1])};
    const siamese::Comparison result =
        client.compare(siamese::Image::file(argv[2]), siamese::Image::file(argv[3]));
    std::printf("%s: similarity %.4f, threshold %.4f\n", result.same ? "same" : "different",
                result.similarity, result.threshold);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());  // such as IMAGE_UNDECODABLE (image_b): …
    return 1;
  }
}
