// The calls of galleries with one answer, against a service in this process.
#include <doctest/doctest.h>

#include <chrono>
#include <iterator>
#include <stdexcept>

#include "fake_galleries.h"
#include "fake_service.h"
#include "siamese/client.h"

using namespace std::chrono_literals;
using siamese::Image;
using siamese::NewEntry;

namespace {

using Ids = std::vector<std::string>;

struct Server {
  FakeGalleries galleries;
  FakeService service{&galleries};

  siamese::Client client() const {
    siamese::ClientConfig config;
    config.address = service.address();
    config.retry = {3, 1ms, 2ms};
    return siamese::Client(config);
  }
};

NewEntry entry_of(const std::string& id, int first = 1, std::size_t size = 1) {
  return {id, image_of(first, size)};
}

}  // namespace

TEST_CASE("a gallery is made and told of") {
  Server server;
  auto& told = server.galleries.gallery;
  told.set_name("shelf");
  told.set_model("general");
  told.mutable_reference()->set_digest("aa");
  told.set_entries(5);
  told.set_stale_entries(2);
  told.set_keep_thumbnails(true);
  told.mutable_created()->set_seconds(90);
  told.mutable_created()->set_nanos(500'000'000);
  told.set_reindexing(true);
  auto client = server.client();
  siamese::GalleryOptions options;
  options.model = "general";
  options.keep_pictures = true;
  const auto made = client.create_gallery("shelf", options);
  CHECK(server.galleries.asked() == R"(gallery: "shelf" model: "general" keep_pictures: true)");
  CHECK(made.name == "shelf");
  CHECK(made.model == "general");
  CHECK(made.reference.digest == "aa");
  CHECK(made.entries == 5);
  CHECK(made.stale_entries == 2);
  CHECK(!made.keep_pictures);
  CHECK(made.keep_thumbnails);
  CHECK(made.created.time_since_epoch() == 90500ms);
  CHECK(made.reindexing);
  CHECK(client.gallery("shelf").entries == 5);
  CHECK(server.galleries.asked() == R"(gallery: "shelf")");
  const auto all = client.galleries();
  REQUIRE(all.size() == 2);
  CHECK(all[1].name == "b");
  CHECK(client.delete_gallery("shelf") == 7);
  CHECK(server.galleries.asked() == R"(gallery: "shelf")");
}

TEST_CASE("calls of galleries are repeated, and have deadlines") {
  Server server;
  auto client = server.client();
  server.galleries.fail_next(grpc::StatusCode::UNAVAILABLE);
  CHECK(client.delete_gallery("shelf") == 7);
  CHECK(server.galleries.had_deadline());
  server.galleries.fail_next(grpc::StatusCode::PERMISSION_DENIED);
  CHECK_THROWS_WITH_AS(client.gallery("shelf"), "PERMISSION_DENIED: as told", siamese::Error);
  siamese::CallOptions options;
  options.deadline = 0ms;
  CHECK_THROWS_AS(client.gallery("shelf", options), std::invalid_argument);
  CHECK_THROWS_AS(client.enroll("shelf", [] { return std::nullopt; }, options), std::invalid_argument);
}

TEST_CASE("a time that can't be told wraps nothing") {
  Server server;
  server.galleries.gallery.mutable_created()->set_seconds(std::numeric_limits<std::int64_t>::max());
  CHECK(server.client().gallery("shelf").created > std::chrono::system_clock::now());
}

TEST_CASE("a long list is enrolled in parts, and its indexes are those of the whole") {
  Server server;
  auto client = server.client();
  NewEntry other = entry_of("d");
  other.thing = "cup";
  other.metadata = {{"from", "garden"}};
  const auto batch = client.batch_enroll("shelf", {entry_of("a"), entry_of("b"), entry_of("large", 1, 4000),
                                                   entry_of("c"), other, entry_of("bad", 255)});
  CHECK(server.galleries.ids() == std::vector<Ids>{{"a", "b"}, {"c", "d", "bad"}});
  REQUIRE(batch.results.size() == 6);
  CHECK(batch.results[0]->status == siamese::EnrollStatus::added);
  CHECK(batch.results[0]->familiarity->value == 0.5F);
  CHECK(batch.results[2].error().code() == siamese::Code::resource_exhausted);
  CHECK(batch.results[2].error().field() == "entries[2]");
  CHECK(batch.results[4]->status == siamese::EnrollStatus::replaced);
  CHECK(batch.results[5].error().field() == "entries[5].image");
  CHECK(batch.timings.total == 2s);
  CHECK(server.galleries.asked().find(R"(metadata { key: "from" value: "garden" })") != std::string::npos);
}

TEST_CASE("a result that is missing is not passed over") {
  Server server;
  server.galleries.forgotten_results = 1;
  CHECK_THROWS_WITH_AS(server.client().batch_enroll("shelf", {entry_of("a"), entry_of("b")}),
                       doctest::Contains("received 1 results of 2 entries"), siamese::Error);
}

TEST_CASE("entries are removed") {
  Server server;
  CHECK(server.client().remove_entries("shelf", {"a", "b"}, {"cup"}) == 3);
  CHECK(server.galleries.asked() == R"(gallery: "shelf" ids: "a" ids: "b" things: "cup")");
}

TEST_CASE("an entry is told of wholly") {
  Server server;
  auto& told = server.galleries.entry;
  told.set_id("a");
  told.set_thing("cup");
  (*told.mutable_metadata())["from"] = "garden";
  told.set_picture_sha256("bb");
  told.set_model_digest("aa");
  told.mutable_enrolled()->set_seconds(90);
  auto client = server.client();
  auto got = client.entry("shelf", "a");
  CHECK(server.galleries.asked() == R"(gallery: "shelf" id: "a")");
  CHECK(!got.familiarity);
  CHECK(!got.embedding);
  told.mutable_familiarity()->set_foreign(true);
  told.set_thumbnail_jpeg("small");
  told.set_picture("large");
  told.mutable_embedding()->add_values(0.5F);
  told.mutable_embedding()->set_model_digest("aa");
  siamese::EntryOptions options;
  options.include_thumbnail = options.include_picture = options.include_embedding = true;
  got = client.entry("shelf", "a", options);
  CHECK(server.galleries.asked() == R"(gallery: "shelf" id: "a" include_thumbnail: true )"
                                    "include_picture: true include_embedding: true");
  CHECK(got.id == "a");
  CHECK(got.thing == "cup");
  CHECK(got.metadata == siamese::Metadata{{"from", "garden"}});
  CHECK(got.picture_sha256 == "bb");
  CHECK(got.model_digest == "aa");
  CHECK(got.enrolled.time_since_epoch() == 90s);
  CHECK(got.familiarity->foreign);
  CHECK(got.thumbnail_jpeg == "small");
  CHECK(got.picture == "large");
  CHECK(got.embedding->values == std::vector<float>{0.5F});
  CHECK(got.embedding->model_digest == "aa");
}

TEST_CASE("entries come page by page") {
  Server server;
  auto client = server.client();
  siamese::EntryListOptions options;
  options.filter = {{"from", "garden"}};
  options.thing = "cup";
  options.stale_only = options.include_thumbnails = true;
  options.page_size = 2;
  auto entries = client.entries("shelf", options);
  CHECK(server.galleries.asked().empty());
  CHECK(entries.next()->id == "a");
  const std::string asked = R"(filter { key: "from" value: "garden" } thing: "cup" stale_only: true )"
                            "include_thumbnails: true";
  CHECK(server.galleries.asked() == R"(gallery: "shelf" page_size: 2 )" + asked);
  CHECK(entries.next()->id == "b");
  CHECK(entries.next()->id == "c");  // the page between has none
  CHECK(server.galleries.asked() == R"(gallery: "shelf" page_size: 2 page_token: "third" )" + asked);
  CHECK(!entries.next());
  CHECK(!entries.next());
  CHECK(client.entry_page("shelf").next_page_token == "second");
  CHECK(client.entry_page("shelf", "third").entries[0].id == "c");
}

TEST_CASE("entries are a range") {
  Server server;
  auto client = server.client();
  Ids ids;
  for (const auto& entry : client.entries("shelf")) {
    ids.push_back(entry.id);
  }
  CHECK(ids == Ids{"a", "b", "c"});
  auto entries = client.entries("shelf");
  const std::vector<siamese::Entry> all(entries.begin(), entries.end());
  CHECK(all.size() == 3);
  auto again = client.entries("shelf");
  auto at = again.begin();
  CHECK((at++)->id == "a");
  CHECK(at->id == "b");
  server.galleries.fail_next(grpc::StatusCode::INTERNAL);
  CHECK_THROWS_AS(++at, siamese::Error);
}

TEST_CASE("an image is identified") {
  Server server;
  auto& told = server.galleries.identified;
  auto& match = *told.add_matches();
  match.set_thing("cup");
  match.mutable_entry()->set_id("a");
  match.set_similarity(0.75F);
  match.set_same(true);
  told.set_threshold(0.5F);
  told.mutable_model()->set_name("general");
  told.mutable_familiarity()->set_value(0.25F);
  told.set_warning("foreign");
  told.mutable_timings()->mutable_total()->set_seconds(1);
  told.set_searched_entries(9);
  auto client = server.client();
  siamese::IdentifyOptions options;
  options.top_k = 4;
  options.min_similarity = 0.5F;
  options.filter = {{"from", "garden"}};
  options.threshold = 0.0F;
  options.include_thumbnails = true;
  const auto found = client.identify("shelf", Image::embedding({{0.5F}, "aa"}), options);
  CHECK(server.galleries.asked() ==
        R"(gallery: "shelf" image { embedding { values: 0.5 model_digest: "aa" } } top_k: 4 )"
        R"(min_similarity: 0.5 filter { key: "from" value: "garden" } threshold: 0 )"
        "include_thumbnails: true");
  REQUIRE(found.matches.size() == 1);
  CHECK(found.matches[0].thing == "cup");
  CHECK(found.matches[0].entry.id == "a");
  CHECK(found.matches[0].similarity == 0.75F);
  CHECK(found.matches[0].same);
  CHECK(found.threshold == 0.5F);
  CHECK(found.model.name == "general");
  CHECK(found.familiarity->value == 0.25F);
  CHECK(found.warning == "foreign");
  CHECK(found.timings.total == 1s);
  CHECK(found.searched_entries == 9);
  client.identify("shelf", Image::raw(1, 1, Image::PixelFormat::gray8, "x", 1));
  CHECK(server.galleries.asked() ==
        R"(gallery: "shelf" image { raw { width: 1 height: 1 format: PIXEL_FORMAT_GRAY8 data: "x" } })");
}

TEST_CASE("texts that are not UTF-8 are refused in words") {
  Server server;
  auto client = server.client();
  CHECK_THROWS_WITH_AS(client.batch_enroll("shelf", {entry_of("a\xFF\n")}),
                       R"(received an entry's id "a\xff\x0a", which is not UTF-8, expected UTF-8)",
                       std::invalid_argument);
  const std::string bad[] = {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\xAF", "\xED\xA0\x80", "\xE2\x82",
                             "\xF4\x90\x80\x80", "\xF0\x9F\x98", "\xE2\x28\xA1", "\xF5\x80\x80\x80"};
  for (const std::string& id : bad) {
    CAPTURE(id.size());
    CHECK_THROWS_AS(client.entry("shelf", "a" + id), std::invalid_argument);
  }
  CHECK_THROWS_AS(client.remove_entries("shelf", {}, {"\xFF"}), std::invalid_argument);
  siamese::IdentifyOptions options;
  options.filter = {{"key", "\xFF"}};
  CHECK_THROWS_AS(client.identify("shelf", image_of(1), options), std::invalid_argument);
  CHECK_THROWS_AS(client.gallery("\xFF"), std::invalid_argument);
  CHECK(server.galleries.asked().empty());
  client.entry("shelf", "a\x7F\xC3\xA9\xE2\x82\xAC\xED\x9F\xBF\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF");
  CHECK(!server.galleries.asked().empty());
}
