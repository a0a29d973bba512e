// Splitting, retry and errors, against a service in this process.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <system_error>

#include "fake_service.h"
#include "siamese/client.h"

using namespace std::chrono_literals;
using siamese::Code;
using siamese::Image;

namespace {

siamese::ClientConfig config_for(const FakeService& service) {
  siamese::ClientConfig config;
  config.address = service.address();
  config.retry = {3, 1ms, 2ms};
  return config;
}

siamese::Error thrown_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const siamese::Error& e) {
    return e;
  }
  FAIL("nothing is thrown");
  return siamese::Error({});
}

const Image a = image_of(0);

}  // namespace

TEST_CASE("the token goes with each call") {
  FakeService service;
  auto config = config_for(service);
  config.token = "secret";
  siamese::Client(config).compare(a, a);
  CHECK(service.token() == "Bearer secret");
}

TEST_CASE("calls are repeated where the server says when, and where it can't be reached") {
  FakeService service;
  siamese::Client client(config_for(service));
  service.fail_next(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", 1);
  service.fail_next(grpc::StatusCode::UNAVAILABLE, "NOT_READY", -1);
  CHECK(client.compare(a, image_of(42)).similarity == 0.42F);
  CHECK(service.calls() == 3);
}

TEST_CASE("the last attempt's error is told wholly") {
  FakeService service;
  siamese::Client client(config_for(service));
  for (int i = 0; i < 5; ++i) {
    service.fail_next(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", 1);
  }
  const auto e = thrown_by([&] { client.compare(a, a); });
  CHECK(e.code() == Code::resource_exhausted);
  CHECK(e.reason() == "QUEUE_FULL");
  CHECK(e.metadata().at("limit") == "7");
  CHECK(e.retry_delay() == 1ms);
  CHECK(service.calls() == 3);
}

TEST_CASE("what stays wrong is not repeated") {
  FakeService service;
  siamese::Client client(config_for(service));
  service.fail_next(grpc::StatusCode::INVALID_ARGUMENT, "IMAGE_UNSET", -1, "image_a");
  const auto e = thrown_by([&] { client.compare({}, a); });
  CHECK(std::string(e.what()) == "IMAGE_UNSET (image_a): as told");
  CHECK(service.calls() == 1);
}

TEST_CASE("no wait goes beyond the deadline, and retry can be switched off") {
  FakeService service;
  auto config = config_for(service);
  service.fail_next(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL", 900);
  siamese::CompareOptions options;
  options.deadline = 800ms;
  siamese::Client client(config);
  CHECK(thrown_by([&] { client.compare(a, a, options); }).reason() == "QUEUE_FULL");
  config.retry.attempts = 1;
  siamese::Client once(config);
  service.fail_next(grpc::StatusCode::UNAVAILABLE, "NOT_READY", 1);
  CHECK(thrown_by([&] { once.compare(a, a); }).code() == Code::unavailable);
  CHECK(service.calls() == 2);
}

TEST_CASE("a batch is split by number, and its indexes are those of the whole") {
  FakeService service;
  siamese::Client client(config_for(service));
  std::vector<siamese::Pair> pairs;
  for (int i = 0; i < 8; ++i) {
    pairs.push_back({a, image_of(i == 4 ? 255 : i)});
  }
  const auto batch = client.batch(pairs);
  CHECK(service.sizes() == std::vector<int>{3, 3, 2});
  REQUIRE(batch.results.size() == 8);
  CHECK(batch.results[7]->similarity == 0.07F);
  CHECK(batch.results[4].error().field() == "pairs[4].image_b");
  CHECK_THROWS_AS(batch.results[4].value(), siamese::Error);
  CHECK(batch.encoded_images == 3);
}

TEST_CASE("a batch is split by bytes, and one that is too large fails alone") {
  FakeService service;
  siamese::Client client(config_for(service));
  const auto batch = client.batch({{a, image_of(1, 900)}, {a, image_of(2, 1050)},
                                   {a, image_of(3, 4000)}, {a, image_of(4)}});
  CHECK(service.sizes() == std::vector<int>{2, 1});
  REQUIRE(batch.results.size() == 4);
  CHECK(batch.results[2].error().code() == Code::resource_exhausted);
  CHECK(batch.results[2].error().field() == "pairs[2]");
  CHECK(batch.results[3]->similarity == 0.04F);
}

TEST_CASE("a failing part names the whole list's index") {
  FakeService service;
  siamese::Client client(config_for(service));
  const auto all = client.embed({a, a, a, a, image_of(255)});
  CHECK(all.results[4].error().field() == "images[4]");
  CHECK(all.results[3]->embedding.values == std::vector<float>{0});
  service.fail_next(grpc::StatusCode::UNAVAILABLE, "", 1);
  service.fail_next(grpc::StatusCode::INVALID_ARGUMENT, "IMAGE_UNSET", -1, "images[1]");
  CHECK(thrown_by([&] { client.embed({a, a}); }).field() == "images[1]");
}

TEST_CASE("a ranking is merged") {
  FakeService service;
  siamese::Client client(config_for(service));
  siamese::RankOptions options;
  options.top_k = 3;
  const auto ranking = client.rank(a, {image_of(10), image_of(90), image_of(255), image_of(90),
                                       image_of(20), image_of(95), image_of(255)}, options);
  CHECK(service.sizes() == std::vector<int>{3, 3, 1});
  REQUIRE(ranking.matches.size() == 3);
  CHECK(ranking.matches[0].index == 5);
  CHECK(ranking.matches[1].index == 1);
  CHECK(ranking.matches[2].index == 3);
  CHECK(ranking.failed.size() == 2);
  CHECK(ranking.failed.at(6).field() == "candidates[6]");
}

TEST_CASE("empty lists are the server's to refuse") {
  FakeService service;
  siamese::Client client(config_for(service));
  client.batch({});
  CHECK(service.sizes() == std::vector<int>{0});
}

TEST_CASE("nobody listens") {
  auto config = config_for(FakeService());
  siamese::Client client(config);
  CHECK(thrown_by([&] { client.compare(a, a); }).code() == Code::unavailable);
}

TEST_CASE("values that can't be right are refused") {
  siamese::ClientConfig config;
  config.address = "localhost";
  config.token = "two words";
  CHECK_THROWS_AS(siamese::Client{config}, std::invalid_argument);
  config.token.clear();
  config.retry.attempts = 0;
  CHECK_THROWS_AS(siamese::Client{config}, std::invalid_argument);
  config.retry = {};
  config.deadline = 0ms;
  CHECK_THROWS_AS(siamese::Client{config}, std::invalid_argument);
  config.deadline.reset();
  config.key_file = "key.pem";
  CHECK_THROWS_AS(siamese::Client{config}, std::invalid_argument);
  config.certificate_file = "nowhere.pem";
  CHECK_THROWS_AS(siamese::Client{config}, std::system_error);
  CHECK_THROWS_AS(Image::file("/nowhere.jpg"), std::system_error);
  CHECK_THROWS_AS(Image::file("/"), std::system_error);
}
