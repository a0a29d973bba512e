#include "address.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using siamese::internal::parse_address;

TEST_CASE("an address is read") {
  struct {
    const char* give;
    const char* target;
    bool tls;
  } const tests[] = {
      {"localhost:1234", "dns:///localhost:1234", false},
      {" example.org ", "dns:///example.org:50051", false},
      {"[::1]:9", "dns:///[::1]:9", false},
      {"::1", "dns:///[::1]:50051", false},
      {"http://host", "dns:///host:80", false},
      {"HTTPS://host/", "dns:///host:443", true},
      {"grpcs://host", "dns:///host:50051", true},
      {"unix:/run/a.sock", "unix:/run/a.sock", false},
      {"unix:///run/a.sock", "unix:/run/a.sock", false},
      {"dns:///host:5", "dns:///host:5", false},
  };
  for (const auto& tt : tests) {
    CAPTURE(tt.give);
    const auto got = parse_address(tt.give);
    CHECK(got.target == tt.target);
    CHECK(got.tls == tt.tls);
  }
}

TEST_CASE("what is no address is refused in words") {
  const std::string tests[] = {"", " ", "/run/a.sock", "ftp://host", "host:0", "host:65536", "host:x",
                               "http://host/path", "me:secret@host:1", "unix:", "unix://a", "a b:1",
                               ":5", "http://", std::string(100'000, 'a')};
  for (const std::string& give : tests) {
    CAPTURE(give.substr(0, 40));
    try {
      parse_address(give);
      FAIL_CHECK("it is taken");
    } catch (const std::invalid_argument& e) {
      const std::string text = e.what();
      CHECK(text.find("received") != std::string::npos);
      CHECK(text.find("expected") != std::string::npos);
      CHECK(text.find("secret") == std::string::npos);
    }
  }
}
