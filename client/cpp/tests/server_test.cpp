// Every call against a real server, whose address is in SIAMESE_ADDRESS; with
// SIAMESE_TLS_ADDRESS, SIAMESE_TLS_FILES (a folder with cert.pem, key.pem and token) also
// over TLS with a certificate and a token.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "siamese/client.h"

using siamese::Code;
using siamese::Image;

namespace {

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    MESSAGE("left out: " << std::string(name) << " is not set");
  }
  return value;
}

Image photo(const std::string& name) {
  return Image::file(std::string(SOURCE_ROOT) + "/testdata/photos/" + name);
}

}  // namespace

TEST_CASE("calls of a real server") {
  const char* address = setting("SIAMESE_ADDRESS");
  if (address == nullptr) {
    return;
  }
  siamese::Client client{std::string(address)};
  const Image cat = photo("cat.jpg");
  const Image copy = photo("cat_copy.jpg");
  const Image hills = photo("hills.jpg");
  const Image text = Image::encoded("no picture");

  SUBCASE("compare") {
    siamese::CompareOptions options;
    options.include_prepared = true;
    const auto alike = client.compare(cat, copy, options);
    const auto unlike = client.compare(cat, hills);
    const auto info = client.info();
    CHECK(alike.same);
    CHECK(!unlike.same);
    CHECK(alike.similarity > unlike.similarity);
    CHECK(alike.prepared_a_png.substr(1, 3) == "PNG");
    CHECK(unlike.prepared_a_png.empty());
    CHECK(alike.model.digest == info.model.reference.digest);
    CHECK(alike.threshold == info.model.threshold);
    CHECK(alike.timings.total.count() > 0);
  }
  SUBCASE("an embedding stands for its image") {
    const auto made = client.embed({cat, text});
    CHECK(made.results[1].error().field() == "images[1]");
    CHECK(client.compare(Image::embedding(made.results[0]->embedding), copy).similarity ==
          client.compare(cat, copy).similarity);
  }
  SUBCASE("pixels") {
    const std::string gray(64 * 64, 'x');
    const std::string rgb(64 * 64 * 3, 'x');
    const auto same = client.compare(
        Image::raw(64, 64, Image::PixelFormat::gray8, gray.data(), gray.size()),
        Image::raw(64, 64, Image::PixelFormat::rgb8, rgb.data(), rgb.size()));
    CHECK(same.same);
  }
  SUBCASE("long lists") {
    std::vector<siamese::Pair> pairs(150, {cat, copy});
    pairs[100].b = text;
    const auto batch = client.batch(pairs);
    REQUIRE(batch.results.size() == 150);
    CHECK(batch.results[100].error().field() == "pairs[100].image_b");
    CHECK(batch.results[149]->same);
    std::vector<Image> candidates(300, hills);
    candidates[290] = copy;
    candidates[10] = text;
    siamese::RankOptions options;
    options.top_k = 2;
    const auto ranking = client.rank(cat, candidates, options);
    REQUIRE(ranking.matches.size() == 2);
    CHECK(ranking.matches[0].index == 290);
    CHECK(ranking.failed.at(10).code() == Code::invalid_argument);
  }
  SUBCASE("errors") {
    siamese::CompareOptions options;
    options.model = "nowhere";
    CHECK_THROWS_WITH_AS(client.compare(cat, copy, options), doctest::Contains("MODEL_NOT_FOUND"),
                         siamese::Error);
    CHECK_THROWS_WITH_AS(client.batch({}), doctest::Contains("NO_ITEMS"), siamese::Error);
    CHECK_THROWS_WITH_AS(client.compare({}, cat), doctest::Contains("IMAGE_UNSET (image_a)"),
                         siamese::Error);
  }
  SUBCASE("info and health") {
    CHECK(client.info("omniglot").model.serving_name == "omniglot");
    CHECK(client.is_serving());
    CHECK(client.is_serving("omniglot"));
    CHECK_THROWS_WITH_AS(client.is_serving("nowhere"), doctest::Contains("NOT_FOUND"), siamese::Error);
  }
  SUBCASE("stream") {
    std::vector<Image> frames = {copy, text, hills};
    std::vector<siamese::FrameResult> results;
    std::size_t next = 0;
    client.stream(
        {{"hills", hills}, {"cat", cat}},
        [&] { return next < frames.size() ? std::optional(frames[next++]) : std::nullopt; },
        [&](const siamese::FrameResult& result) { results.push_back(result); });
    REQUIRE(results.size() == 3);
    CHECK(results[0].scores->scores[1].reference == "cat");
    CHECK(results[0].scores->scores[1].same);
    CHECK(results[1].error->code() == Code::invalid_argument);
    CHECK(results[2].scores->scores[0].same);
  }
}

TEST_CASE("galleries of a real server") {
  const char* address = setting("SIAMESE_ADDRESS");
  if (address == nullptr) {
    return;
  }
  siamese::Client client{std::string(address)};
  if (!client.info().galleries) {
    MESSAGE("left out: the server of SIAMESE_ADDRESS keeps no galleries");
    return;
  }
  siamese::GalleryOptions options;
  options.model = "general";
  options.keep_pictures = options.keep_thumbnails = true;
  CHECK(client.create_gallery("cpp-test", options).entries == 0);
  std::vector<siamese::NewEntry> entries = {{"cat", photo("cat.jpg"), "cat", {{"from", "garden"}}},
                                            {"text", Image::encoded("no picture")},
                                            {"copy", photo("cat_copy.jpg"), "cat"},
                                            {"hills", photo("hills.jpg")}};
  std::size_t taken = 0;
  const auto source = [&] {
    return taken < entries.size() ? std::optional(entries[taken++]) : std::nullopt;
  };
  const auto kept = client.enroll("cpp-test", source);
  CHECK(kept.added == 3);
  REQUIRE(kept.failures.size() == 1);
  CHECK(kept.failures[0].index == 1);
  CHECK(kept.failures[0].error.reason() == "IMAGE_FORMAT_UNKNOWN");
  const auto again = client.batch_enroll("cpp-test", entries);
  CHECK(again.results[0]->status == siamese::EnrollStatus::unchanged);
  CHECK(again.results[1].error().field() == "entries[1].image");

  const auto found = client.identify("cpp-test", photo("cat_copy.jpg"));
  REQUIRE(found.matches.size() == 2);
  CHECK(found.matches[0].thing == "cat");
  CHECK(found.matches[0].same);
  CHECK(found.searched_entries == 3);
  siamese::EntryOptions all;
  all.include_thumbnail = all.include_picture = all.include_embedding = true;
  const auto cat = client.entry("cpp-test", "cat", all);
  CHECK(cat.picture == std::get<Image::Encoded>(photo("cat.jpg").source()).bytes);
  CHECK(cat.thumbnail_jpeg.substr(0, 2) == "\xFF\xD8");
  CHECK(std::chrono::system_clock::now() - cat.enrolled < std::chrono::hours(1));
  siamese::IdentifyOptions garden;
  garden.filter = {{"from", "garden"}};
  garden.min_similarity = 0.9F;
  const auto same = client.identify("cpp-test", Image::embedding(*cat.embedding), garden);
  REQUIRE(same.matches.size() == 1);
  CHECK(same.matches[0].entry.id == "cat");

  siamese::EntryListOptions paged;
  paged.page_size = 1;
  std::string ids;
  for (const auto& entry : client.entries("cpp-test", paged)) {
    ids += entry.id + " ";
  }
  CHECK(ids == "cat copy hills ");
  std::size_t alike = 0;
  const auto done = client.find_duplicates(
      "cpp-test", [&](const siamese::DuplicateGroup& group) { alike += group.entries.size(); });
  CHECK(alike == 2);
  CHECK(done.entries == 3);
  CHECK(done.groups == 1);
  const auto last = client.reindex("cpp-test");
  CHECK(last.done);
  CHECK(last.encoded == 3);
  CHECK(client.remove_entries("cpp-test", {"hills"}, {"cat"}) == 3);
  CHECK(client.delete_gallery("cpp-test") == 0);
  CHECK_THROWS_WITH_AS(client.gallery("cpp-test"), doctest::Contains("GALLERY_NOT_FOUND"), siamese::Error);
}

TEST_CASE("TLS and token") {
  const char* address = setting("SIAMESE_TLS_ADDRESS");
  const char* files = setting("SIAMESE_TLS_FILES");
  if (address == nullptr || files == nullptr) {
    return;
  }
  const std::string folder = files;
  siamese::ClientConfig config;
  config.address = std::string("https://") + address;
  config.ca_file = folder + "/cert.pem";
  config.certificate_file = folder + "/cert.pem";
  config.key_file = folder + "/key.pem";
  config.server_name = "localhost";
  CHECK_THROWS_WITH_AS(siamese::Client(config).info(), doctest::Contains("token"), siamese::Error);
  std::ifstream(folder + "/token") >> config.token;
  CHECK(siamese::Client(config).compare(photo("cat.jpg"), photo("cat_copy.jpg")).same);
}
