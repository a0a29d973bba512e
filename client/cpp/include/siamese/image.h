#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace siamese {

// Embedding is what a model's encoder makes of an image. It means something only to the
// model that made it.
struct Embedding {
  // ModelInfo::embedding_length finite numbers, most of them 0.
  std::vector<float> values;
  // ModelReference::digest of the model that made it; a server with another one refuses
  // it with MODEL_MISMATCH.
  std::string model_digest;
};

// Image is an image of a call. It owns its bytes; copying copies them. One that is made by
// the default constructor is sent as an image that is not set, which the server answers
// with IMAGE_UNSET.
class Image {
 public:
  // PixelFormat is the layout of raw pixels.
  enum class PixelFormat { unspecified = 0, rgb8 = 1, gray8 = 2 };

  struct Encoded {
    std::string bytes;
  };
  struct Raw {
    std::uint32_t width;
    std::uint32_t height;
    PixelFormat format;
    std::string pixels;
  };
  struct Reference {
    std::string name;
  };
  using Source = std::variant<std::monostate, Encoded, Raw, Embedding, Reference>;

  Image() = default;

  // file reads a JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP, TIFF or PNM file, now and wholly.
  // Throws std::system_error where it can't be read.
  static Image file(const std::filesystem::path& path);

  // encoded is the bytes of such a file.
  static Image encoded(std::string bytes) { return Image(Encoded{std::move(bytes)}); }
  static Image encoded(const void* bytes, std::size_t size);

  // raw is pixels row by row from the top left, without padding: three bytes a pixel (red,
  // green, blue, 0 to 255) for rgb8, one (0 black to 255 white) for gray8. They are
  // copied. The server refuses another size than width × height pixels have.
  static Image raw(std::uint32_t width, std::uint32_t height, PixelFormat format,
                   const void* pixels, std::size_t size);

  // embedding stands for the image that it was made of: nothing is decoded or encoded.
  static Image embedding(Embedding made) { return Image(std::move(made)); }

  // reference is the image that a stream has under this name. Other calls refuse it.
  static Image reference(std::string name) { return Image(Reference{std::move(name)}); }

  const Source& source() const noexcept { return source_; }

 private:
  explicit Image(Source source) : source_(std::move(source)) {}

  Source source_;
};

// Pair is two images to compare. Their order does not matter.
struct Pair {
  Image a;
  Image b;
};

}  // namespace siamese
