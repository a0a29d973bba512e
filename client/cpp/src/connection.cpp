#include "connection.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <stdexcept>
#include <variant>

#include "address.h"
#include "siamese/image.h"

namespace siamese::internal {
namespace {

// Prepared pictures and embeddings of a large call go over gRPC's own 4 MiB.
constexpr int max_reply_bytes = 64 << 20;

std::string read(const std::string& path) {
  return path.empty() ? "" : std::get<Image::Encoded>(Image::file(path).source()).bytes;
}

bool wants_tls(const ClientConfig& config) {
  return config.tls || !config.ca_file.empty() || !config.certificate_file.empty() ||
         !config.key_file.empty();
}

}  // namespace

std::shared_ptr<grpc::Channel> connect(const ClientConfig& config) {
  const Address address = parse_address(config.address);
  if (config.certificate_file.empty() != config.key_file.empty()) {
    throw std::invalid_argument(
        "received one of certificate_file and key_file, expected both or neither");
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(max_reply_bytes);
  arguments.SetMaxSendMessageSize(-1);            // the server's limit is the one that counts
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);   // the policy here is the only one
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // no connection shared with others
  if (!wants_tls(config) && !address.tls) {
    return grpc::CreateCustomChannel(address.target, grpc::InsecureChannelCredentials(), arguments);
  }
  if (!config.server_name.empty()) {
    arguments.SetSslTargetNameOverride(config.server_name);
  }
  grpc::SslCredentialsOptions files;
  files.pem_root_certs = read(config.ca_file);
  files.pem_cert_chain = read(config.certificate_file);
  files.pem_private_key = read(config.key_file);
  return grpc::CreateCustomChannel(address.target, grpc::SslCredentials(files), arguments);
}

}  // namespace siamese::internal
