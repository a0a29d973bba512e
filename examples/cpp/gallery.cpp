// Keeps the pictures of a folder in a gallery, then says which of them a picture shows:
// gallery ADDRESS FOLDER PICTURE.
#include <siamese/client.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

namespace {

// enroll gives entries as the server asks for them; an id is the path within the folder.
siamese::Enrollment enroll(siamese::Client& client, const std::filesystem::path& folder) {
  std::filesystem::recursive_directory_iterator file(folder);
  return client.enroll("example", [&]() -> std::optional<siamese::NewEntry> {
    while (file != std::filesystem::recursive_directory_iterator()) {
      const std::filesystem::directory_entry found = *file++;
      if (found.is_regular_file()) {
        return siamese::NewEntry{found.path().lexically_relative(folder).generic_string(),
                                 siamese::Image::file(found.path())};
      }
    }
    return std::nullopt;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: gallery ADDRESS FOLDER PICTURE\n");
    return 2;
  }
  try {
    siamese::Client client{std::string(argv[1])};
    siamese::GalleryOptions made;
    made.model = "general";
    made.keep_thumbnails = true;
    client.create_gallery("example", made);
    // Entries that are there already stay as they are: this can be run again.
    const siamese::Enrollment kept = enroll(client, argv[2]);
    std::printf("%ju added, %ju there already\n", static_cast<std::uintmax_t>(kept.added),
                static_cast<std::uintmax_t>(kept.unchanged));
    for (const siamese::EnrollFailure& failure : kept.failures) {  // no picture: it fails alone
      std::printf("%s %s\n", failure.id.c_str(), failure.error.what());
    }
    siamese::IdentifyOptions options;
    options.top_k = 3;
    const auto found = client.identify("example", siamese::Image::file(argv[3]), options);
    for (const siamese::ThingMatch& match : found.matches) {
      std::printf("%s %.4f %s\n", match.entry.id.c_str(), match.similarity,
                  match.same ? "same" : "different");
    }
    if (!found.warning.empty()) {
      std::printf("%s\n", found.warning.c_str());
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
