#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siamese/error.h"
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
  // No other thread may be using it, and its streams must be gone.
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

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace siamese
