#include "siamese/image.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace siamese {

Image Image::file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  // A folder opens, and then has nothing that can be read.
  if (!in.is_open() || in.bad() || std::filesystem::is_directory(path)) {
    const int code = std::filesystem::is_directory(path) ? EISDIR : errno != 0 ? errno : EIO;
    throw std::system_error(code, std::generic_category(), path.string());
  }
  return encoded(std::move(bytes));
}

Image Image::encoded(const void* bytes, std::size_t size) {
  return encoded(size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size));
}

Image Image::raw(std::uint32_t width, std::uint32_t height, PixelFormat format, const void* pixels,
                 std::size_t size) {
  std::string copy = size == 0 ? std::string() : std::string(static_cast<const char*>(pixels), size);
  return Image(Raw{width, height, format, std::move(copy)});
}

}  // namespace siamese
