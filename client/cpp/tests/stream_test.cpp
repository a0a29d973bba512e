// Streams against a service in this process.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "fake_service.h"
#include "siamese/client.h"

using namespace std::chrono_literals;
using siamese::Image;

namespace {

siamese::Client client_for(const FakeService& service, int attempts = 3) {
  siamese::ClientConfig config;
  config.address = service.address();
  config.retry = {attempts, 1ms, 2ms};
  return siamese::Client(config);
}

std::string word(const siamese::FrameResult& result) {
  const std::string id = std::to_string(result.id) + " ";
  if (result.dropped()) {
    return id + "dropped";
  }
  if (result.error) {
    return id + result.error->reason();
  }
  char text[16];
  std::snprintf(text, sizeof text, "%.2f", static_cast<double>(result.scores->scores[0].similarity));
  return id + text;
}

siamese::Client::FrameSource source_of(std::vector<int> firsts) {
  return [firsts = std::move(firsts), i = std::size_t{0}]() mutable -> std::optional<Image> {
    return i < firsts.size() ? std::optional(image_of(firsts[i++])) : std::nullopt;
  };
}

using Words = std::vector<std::string>;

Words run(siamese::Client& client, std::vector<int> frames, std::uint32_t window) {
  Words words;
  siamese::StreamOptions options;
  options.window = window;
  client.stream({{"cup", image_of(1)}}, source_of(std::move(frames)),
                [&](const siamese::FrameResult& result) { words.push_back(word(result)); }, options);
  return words;
}

}  // namespace

TEST_CASE("each frame has its result, in order") {
  FakeService service;
  auto client = client_for(service);
  CHECK(run(client, {10, 255, 200, 20}, 2) ==
        Words{"0 0.10", "1 IMAGE_UNDECODABLE", "2 dropped", "3 0.20"});
  CHECK(service.streams == 1);
}

TEST_CASE("a stream is opened again where the server breaks off") {
  FakeService service;
  service.break_after = 2;
  auto client = client_for(service);
  CHECK(run(client, {1, 2, 3, 4, 5}, 3) == Words{"0 0.01", "1 0.02", "2 0.03", "3 0.04", "4 0.05"});
  CHECK(service.streams == 2);
}

TEST_CASE("a stream moves on where the server drains") {
  FakeService service;
  service.drain_after = 2;
  auto client = client_for(service);
  const Words words = run(client, {1, 2, 3, 4, 5, 6, 7, 8}, 1);
  REQUIRE(words.size() == 8);
  CHECK(words[7] == "7 0.08");
  CHECK(service.streams == 2);
}

TEST_CASE("a stream is not opened again where that is switched off") {
  FakeService service;
  service.break_after = 1;
  auto client = client_for(service, 1);
  CHECK_THROWS_AS(run(client, {1, 2}, 2), siamese::Error);
  CHECK(service.streams == 1);
}

TEST_CASE("a bad reference is thrown") {
  FakeService service;
  auto client = client_for(service);
  try {
    client.stream({{"cup", image_of(255)}}, source_of({1}), [](const auto&) {});
    FAIL("nothing is thrown");
  } catch (const siamese::Error& e) {
    CHECK(e.field() == "set_reference.image");
  }
}

TEST_CASE("what source and sink throw comes out") {
  FakeService service;
  auto client = client_for(service);
  int results = 0;
  int taken = 0;
  const auto breaking = [&]() -> std::optional<Image> {
    if (++taken > 2) {
      throw std::out_of_range("no more");
    }
    return image_of(1);
  };
  CHECK_THROWS_AS(client.stream({{"cup", image_of(1)}}, breaking, [&](const auto&) { ++results; }),
                  std::out_of_range);
  CHECK(results == 2);
  const auto sink = [](const auto&) { throw std::length_error("enough"); };
  CHECK_THROWS_AS(client.stream({{"cup", image_of(1)}}, source_of({1, 2, 3}), sink),
                  std::length_error);
}

TEST_CASE("sending waits for the window") {
  FakeService service;
  auto client = client_for(service);
  std::atomic<int> taken{0};
  auto frames = source_of({1, 2, 3, 4, 5, 6});
  const auto counting = [&] {
    auto frame = frames();
    taken += frame ? 1 : 0;
    return frame;
  };
  int received = 0;
  siamese::StreamOptions options;
  options.window = 2;
  client.stream({{"cup", image_of(1)}}, counting, [&](const auto&) {
    // This one is taken from the window: two are behind it, and one waits to be sent.
    CHECK(taken <= received + 4);
    ++received;
  }, options);
  CHECK(received == 6);
}

TEST_CASE("one thread sends and receives") {
  FakeService service;
  auto client = client_for(service);
  siamese::StreamOptions options;
  options.drop_policy = siamese::DropPolicy::latest;
  auto stream = client.open_stream(options);
  CHECK(stream.set_reference("cup", image_of(1)).name == "cup");
  CHECK(stream.send(image_of(5)) == 0);
  CHECK(stream.send(image_of(200)) == 1);
  stream.set_reference("mug", image_of(1));  // answered between results
  CHECK(word(stream.receive().value()) == "0 0.05");
  CHECK(stream.receive()->dropped());
  stream.finish();
  CHECK(!stream.receive());
  CHECK_THROWS(stream.send(image_of(1)));
}

TEST_CASE("cancel ends what waits") {
  FakeService service;
  auto client = client_for(service);
  auto stream = client.open_stream();
  std::thread waiting([&] { CHECK_THROWS_AS(stream.receive(), siamese::Error); });
  stream.cancel();
  waiting.join();
}
