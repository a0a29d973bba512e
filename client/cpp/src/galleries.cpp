#include <utility>

#include "convert.h"
#include "gallery_convert.h"
#include "impl.h"
#include "parts.h"
#include "utf8.h"

namespace siamese {
namespace {

using internal::gallery_name;
using internal::Part;

void check_count(std::size_t results, std::size_t entries) {
  if (results != entries) {
    throw internal::plain(Code::internal, "received " + std::to_string(results) + " results of " +
                                              std::to_string(entries) + " entries, expected one each");
  }
}

void add_answer(BatchEnrollment& batch, const v1::BatchEnrollResponse& reply, const Part& part) {
  check_count(static_cast<std::size_t>(reply.results_size()), part.end - part.first);
  internal::add(batch.timings, internal::to_timings(reply.timings()));
  for (const auto& result : reply.results()) {
    batch.results.push_back(internal::to_enrolled(result, part.first));
  }
}

std::vector<v1::NewEntry> to_messages(const std::vector<NewEntry>& entries) {
  std::vector<v1::NewEntry> messages(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    internal::fill(messages[i], entries[i]);
  }
  return messages;
}

}  // namespace

Gallery Client::create_gallery(const std::string& gallery, const GalleryOptions& options) {
  internal::check_utf8(options.model, "a model's name");
  v1::CreateGalleryRequest request;
  request.set_gallery(gallery_name(gallery));
  request.set_model(options.model);
  request.set_keep_pictures(options.keep_pictures);
  request.set_keep_thumbnails(options.keep_thumbnails);
  v1::CreateGalleryResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->CreateGallery(&context, request, &reply);
  });
  return internal::to_gallery(reply.gallery());
}

Gallery Client::gallery(const std::string& gallery, const CallOptions& options) {
  v1::GetGalleryRequest request;
  request.set_gallery(gallery_name(gallery));
  v1::GetGalleryResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->GetGallery(&context, request, &reply);
  });
  return internal::to_gallery(reply.gallery());
}

std::vector<Gallery> Client::galleries(const CallOptions& options) {
  v1::ListGalleriesResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->ListGalleries(&context, v1::ListGalleriesRequest(), &reply);
  });
  std::vector<Gallery> galleries;
  for (const auto& gallery : reply.galleries()) {
    galleries.push_back(internal::to_gallery(gallery));
  }
  return galleries;
}

std::uint64_t Client::delete_gallery(const std::string& gallery, const CallOptions& options) {
  v1::DeleteGalleryRequest request;
  request.set_gallery(gallery_name(gallery));
  v1::DeleteGalleryResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->DeleteGallery(&context, request, &reply);
  });
  return reply.entries();
}

BatchEnrollment Client::batch_enroll(const std::string& gallery, const std::vector<NewEntry>& entries,
                                     const CallOptions& options) {
  std::vector<v1::NewEntry> items = to_messages(entries);
  v1::BatchEnrollRequest base;
  base.set_gallery(gallery_name(gallery));
  const auto time = impl_->caller.begin(options.deadline);
  const Limits limits = impl_->limits(time);
  BatchEnrollment batch;
  for (const Part& part : internal::divide(items, limits.max_images, limits.max_message_bytes, base)) {
    if (part.too_large) {
      batch.results.emplace_back(internal::refused(part, limits, "entries"));
      continue;
    }
    v1::BatchEnrollRequest request = base;
    internal::take(items, part, *request.mutable_entries());
    v1::BatchEnrollResponse reply;
    impl_->caller.send(time, [&](grpc::ClientContext& context) {
      return impl_->galleries->BatchEnroll(&context, request, &reply);
    }, part.first, "entries");
    add_answer(batch, reply, part);
  }
  return batch;
}

std::uint64_t Client::remove_entries(const std::string& gallery, const std::vector<std::string>& ids,
                                     const std::vector<std::string>& things,
                                     const CallOptions& options) {
  v1::RemoveEntriesRequest request;
  request.set_gallery(gallery_name(gallery));
  for (const std::string& id : ids) {
    internal::check_utf8(id, "an entry's id");
    request.add_ids(id);
  }
  for (const std::string& thing : things) {
    internal::check_utf8(thing, "a thing");
    request.add_things(thing);
  }
  v1::RemoveEntriesResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->RemoveEntries(&context, request, &reply);
  });
  return reply.removed();
}

Entry Client::entry(const std::string& gallery, const std::string& id, const EntryOptions& options) {
  internal::check_utf8(id, "an entry's id");
  v1::GetEntryRequest request;
  request.set_gallery(gallery_name(gallery));
  request.set_id(id);
  request.set_include_thumbnail(options.include_thumbnail);
  request.set_include_picture(options.include_picture);
  request.set_include_embedding(options.include_embedding);
  v1::GetEntryResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->GetEntry(&context, request, &reply);
  });
  return internal::to_entry(reply.entry());
}

EntryPage Client::Impl::entry_page(v1::ListEntriesRequest& request, const std::string& page_token,
                                   const internal::Caller::Time& time) {
  internal::check_utf8(page_token, "a page's token");
  request.set_page_token(page_token);
  v1::ListEntriesResponse reply;
  caller.send(time, [&](grpc::ClientContext& context) {
    return galleries->ListEntries(&context, request, &reply);
  });
  return internal::to_page(reply);
}

EntryPage Client::entry_page(const std::string& gallery, const std::string& page_token,
                             const EntryListOptions& options) {
  v1::ListEntriesRequest request;
  request.set_gallery(gallery_name(gallery));
  internal::fill(request, options);
  return impl_->entry_page(request, page_token, impl_->caller.begin(options.deadline));
}

Entries Client::entries(const std::string& gallery, const EntryListOptions& options) {
  v1::ListEntriesRequest request;
  request.set_gallery(gallery_name(gallery));
  internal::fill(request, options);
  return Entries([impl = impl_.get(), request, time = impl_->caller.begin(options.deadline)](
                     const std::string& page_token) mutable {
    return impl->entry_page(request, page_token, time);
  });
}

std::optional<Entry> Entries::next() {
  while (taken_ == page_.entries.size()) {
    if (begun_ && page_.next_page_token.empty()) {
      return std::nullopt;
    }
    page_ = fetch_(page_.next_page_token);
    begun_ = true;
    taken_ = 0;
  }
  return std::move(page_.entries[taken_++]);
}

Identification Client::identify(const std::string& gallery, const Image& image,
                                const IdentifyOptions& options) {
  v1::IdentifyRequest request;
  request.set_gallery(gallery_name(gallery));
  internal::fill(*request.mutable_image(), image);
  internal::fill(request, options);
  v1::IdentifyResponse reply;
  impl_->caller.send(impl_->caller.begin(options.deadline), [&](grpc::ClientContext& context) {
    return impl_->galleries->Identify(&context, request, &reply);
  });
  return internal::to_identification(reply);
}

}  // namespace siamese
