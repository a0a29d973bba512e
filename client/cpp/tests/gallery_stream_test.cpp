// The calls of galleries of which one side is a stream, against a service in this process.
#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

#include "fake_galleries.h"
#include "fake_service.h"
#include "siamese/client.h"

using namespace std::chrono_literals;
using grpc::StatusCode;
using siamese::Code;
using siamese::NewEntry;

namespace {

using Ids = std::vector<std::string>;

siamese::Client client_of(const FakeService& service) {
  siamese::ClientConfig config;
  config.address = service.address();
  config.retry = {3, 1ms, 2ms};
  config.deadline = 60s;
  return siamese::Client(config);
}

// Source gives an entry for each letter; 'x' is a bad one.
struct Source {
  std::string letters;
  std::size_t taken = 0;

  std::optional<NewEntry> next() {
    if (taken >= letters.size()) {
      ++taken;
      return std::nullopt;
    }
    const char letter = letters[taken++];
    return NewEntry{std::string(1, letter), image_of(letter == 'x' ? 255 : 1)};
  }
  siamese::Client::EntrySource source() {
    return [this] { return next(); };
  }
};

siamese::v1::FindDuplicatesResponse group_of(const Ids& ids) {
  siamese::v1::FindDuplicatesResponse message;
  for (const std::string& id : ids) {
    auto& one = *message.mutable_group()->add_entries();
    one.mutable_entry()->set_id(id);
    one.set_similarity(0.5F);
  }
  message.mutable_group()->set_omitted_entries(4);
  return message;
}

siamese::v1::FindDuplicatesResponse end_of(std::uint64_t entries) {
  siamese::v1::FindDuplicatesResponse message;
  message.mutable_done()->set_entries(entries);
  message.mutable_done()->set_groups(2);
  return message;
}

siamese::v1::ReindexResponse progress_of(std::uint64_t encoded, bool done) {
  siamese::v1::ReindexResponse message;
  message.set_encoded(encoded);
  message.set_missing(1);
  message.set_entries(3);
  message.set_done(done);
  if (done) {
    message.add_missing_ids("c");
  }
  return message;
}

}  // namespace

TEST_CASE("entries of any number are enrolled, and those that fail are told of") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  Source entries{std::string(2000, 'a') + "x" + "b"};
  const auto kept = client_of(service).enroll("shelf", entries.source());
  CHECK(galleries.asked() == R"(gallery: "shelf")");
  REQUIRE(galleries.ids().size() == 1);
  CHECK(galleries.ids()[0].size() == 2002);
  CHECK(galleries.ids()[0].back() == "b");  // without the gallery's name
  CHECK(kept.added == 2001);
  CHECK(kept.failed == 1);
  REQUIRE(kept.failures.size() == 1);
  CHECK(kept.failures[0].id == "x");
  CHECK(kept.failures[0].index == 2000);
  CHECK(kept.failures[0].error.reason() == "IMAGE_UNDECODABLE");
  CHECK(!galleries.had_deadline());
}

TEST_CASE("a deadline of its own bounds an enrolment") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  siamese::CallOptions options;
  options.deadline = 60s;
  Source entries{"a"};
  CHECK(client_of(service).enroll("shelf", entries.source(), options).added == 1);
  CHECK(galleries.had_deadline());
}

TEST_CASE("an enrolment is repeated until a second entry is taken") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  auto client = client_of(service);
  galleries.fail_after = 1;
  galleries.fail_next(StatusCode::UNAVAILABLE);
  Source one{"a"};
  CHECK(client.enroll("shelf", one.source()).added == 1);
  CHECK(galleries.ids() == std::vector<Ids>{{"a"}, {"a"}});
  CHECK(one.taken == 2);  // its end is taken once
  galleries.fail_after = 2;
  galleries.fail_next(StatusCode::UNAVAILABLE);
  Source two{"ab"};
  CHECK_THROWS_WITH_AS(client.enroll("shelf", two.source()), "UNAVAILABLE: as told", siamese::Error);
  CHECK(galleries.ids().size() == 3);
}

TEST_CASE("an enrolment that the server ends takes no more") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  galleries.fail_next(StatusCode::NOT_FOUND);
  std::size_t taken = 0;
  const auto endless = [&] {
    ++taken;
    return std::optional(NewEntry{"a", image_of(1, 1000)});
  };
  CHECK_THROWS_WITH_AS(client_of(service).enroll("nowhere", endless), "NOT_FOUND: as told", siamese::Error);
  CHECK(galleries.ids() == std::vector<Ids>{{}});
}

TEST_CASE("what the source of entries throws comes out, and the call is given up") {
  FakeGalleries galleries;
  {
    FakeService service(&galleries);
    auto client = client_of(service);
    const auto breaking = [n = 0]() mutable -> std::optional<NewEntry> {
      if (++n > 2) {
        throw std::out_of_range("no more");
      }
      return NewEntry{"a", image_of(1)};
    };
    CHECK_THROWS_AS(client.enroll("shelf", breaking), std::out_of_range);
    const auto unreadable = [] { return std::optional(NewEntry{"\xFF", image_of(1)}); };
    CHECK_THROWS_AS(client.enroll("shelf", unreadable), std::invalid_argument);
  }  // the server has ended what was under way
  CHECK(galleries.cancelled());
}

TEST_CASE("duplicates come group by group, then their end") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  galleries.found = {group_of({"a", "b"}), group_of({"c", "d", "e"}), end_of(9)};
  siamese::DuplicateOptions options;
  options.threshold = 0.0F;
  options.filter = {{"from", "garden"}};
  options.across_things = true;
  std::vector<siamese::DuplicateGroup> groups;
  const auto done = client_of(service).find_duplicates(
      "shelf", [&](const siamese::DuplicateGroup& group) { groups.push_back(group); }, options);
  CHECK(galleries.asked() ==
        R"(gallery: "shelf" threshold: 0 filter { key: "from" value: "garden" } across_things: true)");
  CHECK(!galleries.had_deadline());
  CHECK(done.entries == 9);
  CHECK(done.groups == 2);
  REQUIRE(groups.size() == 2);
  REQUIRE(groups[1].entries.size() == 3);
  CHECK(groups[1].entries[2].entry.id == "e");
  CHECK(groups[1].entries[2].similarity == 0.5F);
  CHECK(groups[1].omitted_entries == 4);
}

TEST_CASE("duplicates are asked for again until the first group") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  auto client = client_of(service);
  galleries.found = {group_of({"a", "b"}), end_of(9)};
  int groups = 0;
  const auto count = [&](const siamese::DuplicateGroup&) { ++groups; };
  galleries.fail_next(StatusCode::UNAVAILABLE);
  CHECK(client.find_duplicates("shelf", count).entries == 9);
  CHECK(groups == 1);
  galleries.fail_after = 1;
  galleries.fail_next(StatusCode::UNAVAILABLE);
  CHECK_THROWS_WITH_AS(client.find_duplicates("shelf", count), "UNAVAILABLE: as told", siamese::Error);
  CHECK(groups == 2);
}

TEST_CASE("answers that do not keep to the contract are no end") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  auto client = client_of(service);
  const auto nothing = [](const siamese::DuplicateGroup&) {};
  galleries.found = {group_of({"a", "b"})};
  CHECK_THROWS_WITH_AS(client.find_duplicates("shelf", nothing), doctest::Contains("the end of the answers"),
                       siamese::Error);
  galleries.found = {{}};
  CHECK_THROWS_WITH_AS(client.find_duplicates("shelf", nothing), doctest::Contains("nothing in it"),
                       siamese::Error);
  galleries.found = {end_of(9), group_of({"a", "b"})};
  CHECK(client.find_duplicates("shelf", nothing).entries == 9);
  CHECK_THROWS_AS(client.reindex("shelf"), siamese::Error);
}

TEST_CASE("what sinks throw comes out") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  auto client = client_of(service);
  galleries.found = {group_of({"a", "b"}), group_of({"a", "b"}), end_of(9)};
  int groups = 0;
  CHECK_THROWS_AS(client.find_duplicates("shelf", [&](const siamese::DuplicateGroup&) {
    ++groups;
    throw std::length_error("enough");
  }), std::length_error);
  CHECK(groups == 1);
  galleries.progress = {progress_of(0, false), progress_of(2, true)};
  CHECK_THROWS_AS(client.reindex("shelf", [](const siamese::ReindexProgress&) {
    throw std::length_error("enough");
  }), std::length_error);
}

TEST_CASE("a reindex tells of its progress until it is done") {
  FakeGalleries galleries;
  FakeService service(&galleries);
  auto client = client_of(service);
  galleries.progress = {progress_of(0, false), progress_of(1, false), progress_of(2, true)};
  galleries.fail_next(StatusCode::UNAVAILABLE);
  std::vector<std::uint64_t> encoded;
  siamese::ReindexOptions options;
  options.model = "general";
  const auto last = client.reindex(
      "shelf", [&](const siamese::ReindexProgress& p) { encoded.push_back(p.encoded); }, options);
  CHECK(galleries.asked() == R"(gallery: "shelf" model: "general")");
  CHECK(!galleries.had_deadline());
  CHECK(encoded == std::vector<std::uint64_t>{0, 1, 2});
  CHECK(last.done);
  CHECK(last.missing == 1);
  CHECK(last.entries == 3);
  CHECK(last.missing_ids == Ids{"c"});
  CHECK(client.reindex("shelf").encoded == 2);
}
