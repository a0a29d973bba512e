#include "fake_service.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <algorithm>

#include "details.pb.h"

namespace v1 = siamese::v1;

siamese::Image image_of(int first, std::size_t size) {
  std::string bytes(size, '\0');
  bytes[0] = static_cast<char>(first);
  return siamese::Image::encoded(std::move(bytes));
}

namespace {

int first_byte(const v1::Image& image) {
  return image.encoded().empty() ? 0 : static_cast<unsigned char>(image.encoded()[0]);
}

bool is_bad(const v1::Image& image) { return first_byte(image) == 255; }

float score(const v1::Image& image) { return static_cast<float>(first_byte(image)) / 100.0F; }

void set_bad(v1::ItemError& error, const std::string& field) {
  error.set_code(3);
  error.set_reason("IMAGE_UNDECODABLE");
  error.set_message("bad");
  error.set_field(field);
}

template <typename Message>
void add_detail(siamese::wire::Status& status, const std::string& type, const Message& message) {
  auto& detail = *status.add_details();
  detail.set_type_url("type.googleapis.com/google.rpc." + type);
  detail.set_value(message.SerializeAsString());
}

void answer_frame(const v1::Frame& frame, v1::StreamCompareResponse& answer) {
  if (is_bad(frame.image())) {
    answer.mutable_item_failed()->set_id(frame.id());
    set_bad(*answer.mutable_item_failed()->mutable_error(), "frame.image");
  } else if (first_byte(frame.image()) == 200) {
    answer.mutable_frames_dropped()->add_ids(frame.id());
  } else {
    answer.mutable_frame_scored()->set_id(frame.id());
    answer.mutable_frame_scored()->add_scores()->set_similarity(score(frame.image()));
  }
}

void answer_message(const v1::StreamCompareRequest& request, v1::StreamCompareResponse& answer) {
  if (request.has_opening()) {
    answer.mutable_opened()->set_window(std::max(1U, request.opening().window()));
  } else if (request.has_frame()) {
    answer_frame(request.frame(), answer);
  } else if (is_bad(request.set_reference().image())) {
    answer.mutable_item_failed()->set_reference(request.set_reference().name());
    set_bad(*answer.mutable_item_failed()->mutable_error(), "set_reference.image");
  } else {
    answer.mutable_reference_set()->set_name(request.set_reference().name());
  }
}

}  // namespace

FakeService::FakeService(grpc::Service* beside) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(this);
  if (beside != nullptr) {
    builder.RegisterService(beside);
  }
  server_ = builder.BuildAndStart();
}

FakeService::~FakeService() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void FakeService::fail_next(grpc::StatusCode code, const std::string& reason, int retry_millis,
                            const std::string& field) {
  siamese::wire::Status status;
  siamese::wire::ErrorInfo info;
  info.set_reason(reason);
  (*info.mutable_metadata())["limit"] = "7";
  add_detail(status, "ErrorInfo", info);
  if (!field.empty()) {
    siamese::wire::BadRequest bad;
    bad.add_field_violations()->set_field(field);
    add_detail(status, "BadRequest", bad);
  }
  if (retry_millis >= 0) {
    siamese::wire::RetryInfo retry;
    retry.mutable_retry_delay()->set_nanos(retry_millis * 1'000'000);
    add_detail(status, "RetryInfo", retry);
  }
  const std::lock_guard lock(mutex_);
  failures_.emplace_back(code, "as told", status.SerializeAsString());
}

std::vector<int> FakeService::sizes() {
  const std::lock_guard lock(mutex_);
  return sizes_;
}

std::string FakeService::token() {
  const std::lock_guard lock(mutex_);
  return token_;
}

grpc::Status FakeService::begin(const Context& context, int items) {
  ++calls_;
  const std::lock_guard lock(mutex_);
  const auto found = context.client_metadata().find("authorization");
  if (found != context.client_metadata().end()) {
    token_ = std::string(found->second.data(), found->second.size());
  }
  if (failures_.empty()) {
    sizes_.push_back(items);
    return grpc::Status::OK;
  }
  const grpc::Status status = failures_.front();
  failures_.pop_front();
  return status;
}

grpc::Status FakeService::GetServerInfo(Context*, const v1::GetServerInfoRequest*,
                                        v1::GetServerInfoResponse* reply) {
  v1::Limits& limits = *reply->mutable_limits();
  limits.set_max_pairs(max_items);
  limits.set_max_candidates(max_items);
  limits.set_max_images(max_items);
  limits.set_max_message_bytes(max_message);
  return grpc::Status::OK;
}

grpc::Status FakeService::Compare(Context* context, const v1::CompareRequest* request,
                                  v1::CompareResponse* reply) {
  reply->set_similarity(score(request->image_b()));
  return begin(*context, 1);
}

grpc::Status FakeService::BatchCompare(Context* context, const v1::BatchCompareRequest* request,
                                       v1::BatchCompareResponse* reply) {
  for (int i = 0; i < request->pairs_size(); ++i) {
    auto& result = *reply->add_results();
    if (is_bad(request->pairs(i).image_b())) {
      set_bad(*result.mutable_error(), "pairs[" + std::to_string(i) + "].image_b");
    } else {
      result.mutable_score()->set_similarity(score(request->pairs(i).image_b()));
    }
  }
  reply->set_encoded_images(1);
  return begin(*context, request->pairs_size());
}

grpc::Status FakeService::Rank(Context* context, const v1::RankRequest* request,
                               v1::RankResponse* reply) {
  std::vector<v1::RankedCandidate> ranked;
  for (int i = 0; i < request->candidates_size(); ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    if (is_bad(request->candidates(i))) {
      auto& failed = *reply->add_errors();
      failed.set_index(index);
      set_bad(*failed.mutable_error(), "candidates[" + std::to_string(i) + "]");
      continue;
    }
    ranked.emplace_back().set_index(index);
    ranked.back().set_similarity(score(request->candidates(i)));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.similarity() > b.similarity(); });
  const std::size_t best = request->top_k() == 0 ? ranked.size() : request->top_k();
  for (std::size_t i = 0; i < std::min(best, ranked.size()); ++i) {
    *reply->add_ranked() = ranked[i];
  }
  return begin(*context, request->candidates_size());
}

grpc::Status FakeService::Embed(Context* context, const v1::EmbedRequest* request,
                                v1::EmbedResponse* reply) {
  for (int i = 0; i < request->images_size(); ++i) {
    auto& result = *reply->add_results();
    if (is_bad(request->images(i))) {
      set_bad(*result.mutable_error(), "images[" + std::to_string(i) + "]");
    } else {
      result.mutable_embedding()->add_values(score(request->images(i)));
    }
  }
  return begin(*context, request->images_size());
}

grpc::Status FakeService::StreamCompare(
    Context*, grpc::ServerReaderWriter<v1::StreamCompareResponse, v1::StreamCompareRequest>* stream) {
  const bool first = ++streams == 1;
  v1::StreamCompareRequest request;
  for (int frames = 0; stream->Read(&request);) {
    if (first && request.has_frame() && ++frames > break_after) {
      return {grpc::StatusCode::UNAVAILABLE, "as told"};
    }
    v1::StreamCompareResponse answer;
    answer_message(request, answer);
    stream->Write(answer);
    if (first && request.has_frame() && frames == drain_after) {
      v1::StreamCompareResponse draining;
      draining.mutable_draining();
      stream->Write(draining);
    }
  }
  return grpc::Status::OK;
}
