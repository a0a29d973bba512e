// The calls of galleries of which one side is a stream.
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <utility>

#include "gallery_convert.h"
#include "impl.h"
#include "utf8.h"

namespace siamese {
namespace {

using internal::Caller;
using internal::Clock;

// Call is a stream under way. One that an exception leaves is cancelled, and its end waited
// for, as gRPC asks.
template <typename Stream>
class Call {
 public:
  Call(grpc::ClientContext& context, std::unique_ptr<Stream> stream)
      : context_(context), stream_(std::move(stream)) {}
  ~Call() {
    if (!finished_) {
      context_.TryCancel();
      static_cast<void>(stream_->Finish());
    }
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Stream* operator->() { return stream_.get(); }

  grpc::Status finish() {
    finished_ = true;
    return stream_->Finish();
  }

 private:
  grpc::ClientContext& context_;
  std::unique_ptr<Stream> stream_;
  bool finished_ = false;
};

void prepare(const Caller& caller, grpc::ClientContext& context, Clock::time_point end) {
  caller.prepare(context);
  if (end != Clock::time_point::max()) {
    context.set_deadline(end);
  }
}

// read makes a call and hands its messages to take until that says that one was the last;
// again where that helps, until the first has come.
template <typename Message, typename Begin, typename Take>
void read(const Caller& caller, Clock::time_point end, const Begin& begin, const Take& take) {
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    prepare(caller, context, end);
    Call<grpc::ClientReader<Message>> call(context, begin(context));
    bool answered = false;
    bool done = false;
    for (Message message; call->Read(&message);) {
      if (done) {
        context.TryCancel();  // what comes after the last is nothing to wait for
        break;
      }
      answered = true;
      done = take(message);
    }
    const grpc::Status status = call.finish();
    if (done) {
      return;
    }
    if (status.ok()) {
      throw internal::plain(Code::internal, "received the end of the answers, expected the message "
                                            "that says that they are all");
    }
    if (answered) {
      throw internal::to_error(status);
    }
    caller.pause(attempt, internal::to_error(status), end);
  }
}

// Enrolling sends one source's entries. A call can be made again until a second entry is
// taken: the first is kept.
class Enrolling {
 public:
  Enrolling(const std::string& gallery, const Client::EntrySource& source) : source_(source) {
    opening_.set_gallery(internal::gallery_name(gallery));
  }

  Enrollment run(const Caller& caller, v1::GalleryService::Stub& service, Clock::time_point end) {
    for (int attempt = 1;; ++attempt) {
      grpc::ClientContext context;
      prepare(caller, context, end);
      v1::EnrollResponse reply;
      Call<grpc::ClientWriter<v1::EnrollRequest>> call(context, service.Enroll(&context, &reply));
      const bool sent = send(call);
      const grpc::Status status = call.finish();
      if (status.ok() && sent) {
        return internal::to_enrollment(reply);
      }
      if (status.ok()) {
        throw internal::plain(Code::internal,
                              "received the answer before the last entry, expected it after that");
      }
      if (taken_ > 1) {
        throw internal::to_error(status);
      }
      caller.pause(attempt, internal::to_error(status), end);
    }
  }

 private:
  // send reports whether all went out; false: the server has ended the call.
  bool send(Call<grpc::ClientWriter<v1::EnrollRequest>>& call) {
    bool open = call->Write(opening_);
    if (open && first_) {
      open = call->Write(*first_);
    }
    while (open) {
      const auto message = take();
      if (!message) {
        call->WritesDone();
        return true;
      }
      open = call->Write(*message);
    }
    return false;
  }

  // take takes an entry from the source; nothing: there is no more.
  std::optional<v1::EnrollRequest> take() {
    const auto entry = exhausted_ ? std::nullopt : source_();
    exhausted_ = !entry;
    if (!entry) {
      return std::nullopt;
    }
    v1::EnrollRequest message;
    internal::fill(*message.mutable_entry(), *entry);
    ++taken_;
    first_.reset();
    if (taken_ == 1) {
      first_ = message;
    }
    return message;
  }

  const Client::EntrySource& source_;
  v1::EnrollRequest opening_;
  std::optional<v1::EnrollRequest> first_;  // until a second is taken
  std::size_t taken_ = 0;
  bool exhausted_ = false;  // the source has no more
};

}  // namespace

Enrollment Client::enroll(const std::string& gallery, const EntrySource& source,
                          const CallOptions& options) {
  return Enrolling(gallery, source)
      .run(impl_->caller, *impl_->galleries, Caller::end_of_long(options.deadline));
}

DuplicatesDone Client::find_duplicates(const std::string& gallery, const GroupSink& sink,
                                       const DuplicateOptions& options) {
  v1::FindDuplicatesRequest request;
  request.set_gallery(internal::gallery_name(gallery));
  internal::fill(request, options);
  DuplicatesDone done;
  read<v1::FindDuplicatesResponse>(
      impl_->caller, Caller::end_of_long(options.deadline),
      [&](grpc::ClientContext& context) { return impl_->galleries->FindDuplicates(&context, request); },
      [&](const v1::FindDuplicatesResponse& message) {
        if (message.has_group()) {
          sink(internal::to_group(message.group()));
        } else if (!message.has_done()) {
          throw internal::plain(Code::internal, "received a message with nothing in it, expected a "
                                                "group of duplicates, or their end");
        }
        done = {message.done().entries(), message.done().groups()};
        return message.has_done();
      });
  return done;
}

ReindexProgress Client::reindex(const std::string& gallery, const ProgressSink& sink,
                                const ReindexOptions& options) {
  internal::check_utf8(options.model, "a model's name");
  v1::ReindexRequest request;
  request.set_gallery(internal::gallery_name(gallery));
  request.set_model(options.model);
  ReindexProgress progress;
  read<v1::ReindexResponse>(
      impl_->caller, Caller::end_of_long(options.deadline),
      [&](grpc::ClientContext& context) { return impl_->galleries->Reindex(&context, request); },
      [&](const v1::ReindexResponse& message) {
        progress = internal::to_progress(message);
        if (sink) {
          sink(progress);
        }
        return progress.done;
      });
  return progress;
}

}  // namespace siamese
