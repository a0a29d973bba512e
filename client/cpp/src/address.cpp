#include "address.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <stdexcept>

namespace siamese::internal {
namespace {

constexpr int default_port = 50051;
constexpr std::size_t max_socket_path = 107;  // bytes, the system's limit
const char* const expected =
    "expected host:port, http://host:port (plain text), https://host:port (TLS) or unix:/path";

[[noreturn]] void refuse(const std::string& received) {
  throw std::invalid_argument("received " + received + ", " + expected);
}

std::string trim(const std::string& text) {
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  const auto begin = std::find_if_not(text.begin(), text.end(), space);
  const auto end = std::find_if_not(text.rbegin(), text.rend(), space).base();
  return begin < end ? std::string(begin, end) : std::string();
}

Address parse_socket(const std::string& rest) {
  const bool url = rest.rfind("//", 0) == 0;
  const std::string path = url ? rest.substr(2) : rest;
  if (url && path.rfind('/', 0) != 0) {
    throw std::invalid_argument("received the address \"unix:" + rest +
                                "\", expected unix:///absolute/path or unix:path");
  }
  if (path.find_first_not_of('/') == std::string::npos) {
    throw std::invalid_argument("received the address unix: without a path, expected unix:/path");
  }
  if (path.size() > max_socket_path) {
    throw std::invalid_argument("received a socket's path of " + std::to_string(path.size()) +
                                " bytes, expected at most " + std::to_string(max_socket_path) +
                                ", which is the system's limit");
  }
  return {"unix:" + path, false};
}

int parse_port(const std::string& text, const std::string& address) {
  const bool digits = text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  const int port = digits ? std::stoi(text) : 0;
  if (port < 1 || port > 65535) {
    throw std::invalid_argument("received port \"" + text + "\" in the address \"" + address +
                                "\", expected a number from 1 to 65535");
  }
  return port;
}

Address parse_host(const std::string& text, int port, bool tls) {
  static const std::regex ipv6("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");
  static const std::regex host(R"((\[[^\[\]\s/?#]+\]|[^:\[\]\s"'/?#]+)(?::([^:/?#]*))?/?)");
  if (text.find('@') != std::string::npos) {  // not repeated: what is before it may be a secret
    throw std::invalid_argument(std::string("received an address with a user in it, ") + expected +
                                "; a token goes by ClientConfig::token");
  }
  std::smatch parts;
  if (std::regex_match(text, ipv6)) {
    return {"dns:///[" + text + "]:" + std::to_string(port), tls};
  }
  if (!std::regex_match(text, parts, host)) {
    refuse("the address \"" + text + "\"");
  }
  const std::string given = parts[2].str();
  const int number = given.empty() ? port : parse_port(given, text);
  return {"dns:///" + parts[1].str() + ":" + std::to_string(number), tls};
}

}  // namespace

Address parse_address(const std::string& text) {
  static const std::map<std::string, int> ports = {
      {"http", 80}, {"https", 443}, {"grpc", default_port}, {"grpcs", default_port}};
  const std::string trimmed = trim(text);
  if (trimmed.empty()) {
    refuse("no address of a server");
  }
  if (trimmed.size() > 2000) {  // std::regex recurses by the length of its text
    refuse("an address of " + std::to_string(trimmed.size()) + " bytes");
  }
  if (trimmed.front() == '/' || trimmed.rfind("./", 0) == 0) {
    throw std::invalid_argument("received the path \"" + trimmed +
                                "\", expected unix:PATH for a socket");
  }
  const std::size_t colon = trimmed.find(':');
  std::string scheme = colon == std::string::npos ? "" : trimmed.substr(0, colon);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string rest = scheme.empty() ? "" : trimmed.substr(colon + 1);
  if (scheme == "unix") {
    return parse_socket(rest);
  }
  if (rest.rfind("//", 0) != 0) {
    return parse_host(trimmed, default_port, false);
  }
  if (scheme == "dns") {
    return {trimmed, false};
  }
  const auto known = ports.find(scheme);
  if (known == ports.end()) {
    refuse("an address that begins with \"" + scheme + "://\"");
  }
  return parse_host(rest.substr(2), known->second, scheme.back() == 's');
}

}  // namespace siamese::internal
