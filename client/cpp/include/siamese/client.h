#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siamese/error.h"
#include "siamese/gallery.h"
#include "siamese/image.h"
#include "siamese/info.h"
#include "siamese/options.h"
#include "siamese/result.h"
#include "siamese/stream.h"

namespace siamese {

// Client talks to one server. Safe for concurrent use by any number of threads; calls
// block. A call throws Error where it fails as a whole; an item of a list that fails has its
// own error in the result, and its neighbours are answered. Lists may have any length: they
// are split by the server's limits, which are asked for once.
class Client {
 public:
  // Nothing is connected before the first call. Throws std::invalid_argument for values that
  // can't be right, std::system_error for files that can't be read.
  explicit Client(const ClientConfig& config);
  // With defaults.
  explicit Client(const std::string& address);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // No other thread may be using it, and its streams and Entries must be gone.
  ~Client();

  // compare scores one pair. The order does not matter.
  Comparison compare(const Image& a, const Image& b, const CompareOptions& options = {});

  // batch scores pairs, any number but none. An image that is in several pairs of a request
  // is encoded once.
  BatchComparison batch(const std::vector<Pair>& pairs, const CompareOptions& options = {});

  // rank scores a query against candidates, any number but none.
  Ranking rank(const Image& query, const std::vector<Image>& candidates,
               const RankOptions& options = {});

  // embed makes embeddings, which stand for their images in other calls (Image::embedding)
  // for as long as the server runs the same model. Any number of images but none; a
  // threshold has no effect.
  Embeddings embed(const std::vector<Image>& images, const CompareOptions& options = {});

  // info asks the server about itself and a model, as CompareOptions::model names it.
  ServerInfo info(const std::string& model = {});

  // is_serving reports whether a model is served, by its serving name; empty: the default
  // one. It is not repeated where the server can't be reached. Throws Error, NOT_FOUND, for
  // a model that the server does not know.
  bool is_serving(const std::string& serving_name = {});

  // open_stream opens a stream without references that the caller sends to and receives
  // from.
  Stream open_stream(const StreamOptions& options = {});

  // FrameSource gives the next frame; nothing: there is no more. It is called by a thread of
  // the stream's, one call at a time.
  using FrameSource = std::function<std::optional<Image>()>;
  // ResultSink takes a result. It is called by the thread that called stream.
  using ResultSink = std::function<void(const FrameResult&)>;

  // stream scores frames against references as they come, as many at a time as the window
  // has. The results come in the order of the frames, each with its scores or its own error.
  // Where the server drains or is lost, the stream is opened again and what was not answered
  // is sent again, as often as the retry policy allows. It returns when all is answered, and
  // throws Error where the stream can't be opened, a reference can't be used or the stream
  // ends for good, and what source or sink throws; in each case once source has returned.
  void stream(const std::vector<NamedImage>& references, const FrameSource& source,
              const ResultSink& sink, const StreamOptions& options = {});

  // Galleries keep pictures of things under names, as embeddings of one model, and say which
  // of them a picture shows. A server may keep none (GALLERIES_OFF; ServerInfo::galleries),
  // and may let a caller do less than all (GALLERY_DENIED). One that there is none of:
  // GALLERY_NOT_FOUND. Names are 1 to 64 characters of a-z, 0-9, '.', '_' and '-', the first
  // a letter or digit. Texts have to be UTF-8: std::invalid_argument otherwise.

  // create_gallery makes an empty gallery, or returns one of that name that is made as the
  // options say. One that is not: GALLERY_EXISTS.
  Gallery create_gallery(const std::string& gallery, const GalleryOptions& options = {});

  // gallery tells of one gallery.
  Gallery gallery(const std::string& gallery, const CallOptions& options = {});

  // galleries tells of all galleries that the caller may read, by name.
  std::vector<Gallery> galleries(const CallOptions& options = {});

  // delete_gallery removes a gallery with all that it holds, and returns how many entries
  // that were.
  std::uint64_t delete_gallery(const std::string& gallery, const CallOptions& options = {});

  // EntrySource gives the next entry; nothing: there is no more. It is called by the thread
  // that called enroll.
  using EntrySource = std::function<std::optional<NewEntry>()>;

  // enroll keeps any number of entries in one call, taken from source as fast as the server
  // encodes them, and returns when all are kept for good or have failed by themselves. Throws
  // Error where the call fails as a whole, as where an entry is larger than a message may be,
  // and what source throws. Some entries may have been kept then: send all again, which
  // changes nothing in those. The call is repeated by itself until a second entry is taken.
  Enrollment enroll(const std::string& gallery, const EntrySource& source,
                    const CallOptions& options = {});

  // batch_enroll keeps entries, any number but none, and tells of each. Those without an
  // error are kept for good when it returns; where it throws some may be.
  BatchEnrollment batch_enroll(const std::string& gallery, const std::vector<NewEntry>& entries,
                               const CallOptions& options = {});

  // remove_entries removes entries by their ids, and all that show one of things, at most
  // 1,000 ids and things together. It returns how many went; what there is none of is passed
  // over.
  std::uint64_t remove_entries(const std::string& gallery, const std::vector<std::string>& ids,
                               const std::vector<std::string>& things = {},
                               const CallOptions& options = {});

  // entry returns one entry. One that there is none of: ENTRY_NOT_FOUND.
  Entry entry(const std::string& gallery, const std::string& id, const EntryOptions& options = {});

  // entries returns a gallery's entries; nothing is asked for before the first is taken. Its
  // deadline goes on while they are used.
  Entries entries(const std::string& gallery, const EntryListOptions& options = {});

  // entry_page returns a page of entries: of an empty page_token the first one, then that
  // which EntryPage::next_page_token of the page before asks for. The filter, thing and
  // stale_only have to be the same for all of them.
  EntryPage entry_page(const std::string& gallery, const std::string& page_token = {},
                       const EntryListOptions& options = {});

  // identify says which things of a gallery an image may show, best first. An embedding of
  // the gallery's model stands for an image, as everywhere.
  Identification identify(const std::string& gallery, const Image& image,
                          const IdentifyOptions& options = {});

  // GroupSink takes a group. It is called by the thread that called find_duplicates.
  using GroupSink = std::function<void(const DuplicateGroup&)>;

  // find_duplicates hands groups of entries that are alike to sink as they come, the largest
  // similarity first. What sink throws ends the call, and comes out. The call is repeated by
  // itself until the first group has come.
  DuplicatesDone find_duplicates(const std::string& gallery, const GroupSink& sink,
                                 const DuplicateOptions& options = {});

  // ProgressSink takes what is told of the work, again and again. It is called by the thread
  // that called reindex.
  using ProgressSink = std::function<void(const ReindexProgress&)>;

  // reindex moves a gallery to its model as it is now, or to another one. It starts the
  // work, or joins that which is under way, tells sink, which may be empty, how far it is, and
  // returns the last that was told. The work goes on where this throws: its deadline is past,
  // or sink threw. Entries that keep no picture have to be sent again.
  ReindexProgress reindex(const std::string& gallery, const ProgressSink& sink = {},
                          const ReindexOptions& options = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace siamese
