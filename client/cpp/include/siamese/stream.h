#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "siamese/image.h"
#include "siamese/options.h"
#include "siamese/result.h"

namespace siamese {

// ReferenceScore is how a frame compares with one reference.
struct ReferenceScore {
  std::string reference;
  // 0 to 1, where 1 means the same class.
  float similarity = 0;
  bool same = false;
  ModelReference model;
  // Whether the reference, or the frame, is foreign to that model where
  // FrameScores::familiarity does not say so.
  bool foreign = false;
};

// FrameScores are how a frame compares with the references.
struct FrameScores {
  // One a reference, in the order in which their names were first set.
  std::vector<ReferenceScore> scores;
  // What the verdicts were made with, 0 to 1.
  float threshold = 0;
  std::optional<Familiarity> familiarity;
  std::string warning;
  Timings timings;
  std::string prepared_png;
};

// FrameResult is what became of one frame: scores, its own error, or neither where a newer
// frame replaced it.
struct FrameResult {
  // The frame's number, from 0 in the order of sending.
  std::uint64_t id = 0;
  // When it was given to the stream.
  std::chrono::steady_clock::time_point sent_at;
  std::optional<FrameScores> scores;
  std::optional<Error> error;

  bool dropped() const noexcept { return !scores && !error; }
};

// StoredReference is a reference that a stream has taken.
struct StoredReference {
  std::string name;
  std::optional<Familiarity> familiarity;
  std::string warning;
  std::string prepared_png;
};

// NamedImage is a reference to begin with.
struct NamedImage {
  std::string name;
  Image image;
};

// Stream scores frames against named references; from Client::open_stream. Each frame has
// one result, in the order of sending. A stream does not outlive its connection: after an
// error that ended it, open another one.
//
// Safe for concurrent use; usually one thread sends and another receives. One thread alone
// may do both as long as it sends no more frames than window() before it receives: a frame
// counts until its result is received.
class Stream {
 public:
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  // Ends the stream; frames under way are not answered. No other thread may be using it.
  ~Stream();

  // How many frames may be under way at once, as the server granted.
  std::uint32_t window() const;
  // How many references the stream may hold.
  std::uint32_t max_references() const;
  // The model that answers; of "auto" the first that is tried.
  ModelReference model() const;

  // set_reference stores an image under a name of 1 to 256 bytes, new or in use, and
  // returns once the server has taken it. Throws the reference's own Error, after which the
  // stream goes on and the name is as it was, or that which ended the stream.
  StoredReference set_reference(const std::string& name, const Image& image);

  // drop_reference forgets a reference. Throws as set_reference.
  void drop_reference(const std::string& name);

  // send sends a frame and returns its id. Waits while the window is full; where frames may
  // be dropped, only while the connection takes no more or a thousand results wait to be
  // received. Throws what ended the stream.
  std::uint64_t send(const Image& frame);

  // receive takes the next frame's result, waiting for it; nothing once the stream has ended
  // and all results are taken. Throws what ended the stream before all was answered.
  std::optional<FrameResult> receive();

  // finish says that no more frames come. What is under way is answered; then receive
  // returns nothing.
  void finish();

  // cancel ends the stream from any thread: what waits throws Error, CANCELLED.
  void cancel();

  // draining reports whether the server has said that the stream is about to end. Open
  // another one and send to that; this one is answered for a few seconds more.
  bool draining() const;

 private:
  friend class Client;
  class Wire;
  class Relay;
  explicit Stream(std::shared_ptr<Wire> wire);

  std::shared_ptr<Wire> wire_;
};

}  // namespace siamese
