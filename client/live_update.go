package client

import (
	"fmt"
	"time"

	siamesev1 "siamese/proto/siamese/v1"
)

// Update is one thing that a Live or a LiveGallery has to tell. Exactly one field is set.
type Update struct {
	// Result is what became of a frame that was sent.
	Result *Result
	// State is a change of the stream's state.
	State *State
	// ReferenceSet is a reference that the server took: once for each stream that it
	// is sent on.
	ReferenceSet *ReferenceSet
	// ReferenceError is a reference that the server did not take.
	ReferenceError *ReferenceError
	// Gallery is what a LiveGallery's gallery holds, each time that it can be used.
	Gallery *Gallery
}

// Result is what became of a frame that was sent: Scores (Found, of a LiveGallery), or
// Dropped, or Err.
// Each frame sent has one.
type Result struct {
	// FrameID is Frame.ID.
	FrameID int64
	// Captured is Frame.Captured; Sent and Received are when the frame went to
	// the server and when the answer was there, by this machine's clock. The
	// frame's lag is Received - Captured.
	Captured, Sent, Received time.Time
	// Scores has one score a reference, in the order in which their names were
	// first set.
	Scores []Score
	// Found is the things of a LiveGallery's gallery that the frame may show; nil from a
	// Live.
	Found *Identification
	// Familiarity is how familiar the frame is to the model, with "auto" to the one
	// that knows it best; nil where it does not tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the frame is foreign to the model, so
	// that no score means much; empty otherwise.
	Warning string
	// Threshold is what the verdicts were made with, 0 to 1.
	Threshold float32
	// Timings is where the time went, as the server saw it.
	Timings Timings
	// Dropped reports whether the server had a newer frame before it came to this one.
	Dropped bool
	// Err is why there are no scores: what the server found wrong with the frame,
	// or how the stream ended before the answer.
	Err *Error
}

// Score is how a frame compares with one reference.
type Score struct {
	// Reference is its name.
	Reference string
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= the result's Threshold. Where another model
	// than the stream's answered and the caller set no threshold, that model's own
	// counts instead.
	Same bool
	// Model is the name of the model that answered.
	Model string
	// Foreign reports whether the reference is foreign to that model, or the frame is
	// and the result's Familiarity, of another model, does not say so: the similarity
	// means little then.
	Foreign bool
}

// Timings is a frame's time at the server, by stage.
type Timings struct {
	// Decode is from bytes to pixels, Queue the wait for the encoder, Encode the
	// encoder's run, Compare the head's, Total from arrival to reply.
	Decode, Queue, Encode, Compare, Total time.Duration
}

// ReferenceSet is a reference that the server took.
type ReferenceSet struct {
	// Name is Reference.Name.
	Name string
	// Familiarity is how familiar the picture is to the model, with "auto" to the one
	// that knows it best; nil where it does not tell.
	Familiarity *Familiarity
	// Warning is a sentence for people where the picture is foreign to the model;
	// empty otherwise.
	Warning string
}

// ReferenceError is a reference that the server did not take. The name keeps
// the image that it had before, if any.
//
// What is wrong with the image or its name (INVALID_ARGUMENT and the like) stays
// wrong: that image is not sent again. Of other failures, such as one of the
// server's own, the image is sent again after the next reconnect.
type ReferenceError struct {
	// Name is Reference.Name.
	Name string
	// Err is why; never nil.
	Err *Error
}

// Error implements error.
func (e *ReferenceError) Error() string {
	return fmt.Sprintf("reference %q: %s", e.Name, e.Err)
}

// Unwrap returns Err.
func (e *ReferenceError) Unwrap() error { return e.Err }

// Phase is what a Live's stream is doing.
type Phase string

// The phases. A Live goes from Connecting to Streaming, or by Waiting to
// Connecting again; from Streaming it goes to Waiting, by Draining where the
// server said so.
const (
	// Connecting: on the way to a server.
	Connecting Phase = "connecting"
	// Streaming: frames are sent and answered.
	Streaming Phase = "streaming"
	// Draining: the server, or its version of the model, is about to go; what is in
	// flight is still answered.
	Draining Phase = "draining"
	// Waiting: a pause before the next try.
	Waiting Phase = "waiting"
	// Closed: ended by Close or its context; nothing follows.
	Closed Phase = "closed"
)

// State is the state of a Live's stream.
type State struct {
	Phase Phase
	// Since is when the phase began.
	Since time.Time
	// Err is why the last stream ended or could not be opened, an *Error; only
	// while Waiting. After one that a retry is not expected to heal, such as
	// UNIMPLEMENTED or UNAUTHENTICATED, the retries are MaxBackoff apart.
	Err error
	// RetryIn is how long after Since the next try comes; only while Waiting.
	RetryIn time.Duration
	// Model and Threshold are the model that answers (of "auto" the first that is
	// tried) and what verdicts are made with; Window is how many frames the server lets be in flight. Only while
	// Streaming or Draining.
	Model     string
	Threshold float32
	Window    int
}

// Stats counts what became of frames since the start. Offered is Replaced,
// Sent and at most one that waits. Sent is Scored, DroppedByServer, Failed and at
// most Window that are in flight.
type Stats struct {
	// Offered is the frames that came in by Offer.
	Offered int64
	// Replaced is those for which a newer one came before they were sent.
	Replaced int64
	// Sent is those that went to a server.
	Sent int64
	// Scored is those that came back with scores.
	Scored int64
	// DroppedByServer is those that the server let go for a newer one.
	DroppedByServer int64
	// Failed is those with an error, of their own or of their stream.
	Failed int64
	// Reconnects is the streams opened after the first.
	Reconnects int64
	// UpdatesLost is the updates that nobody read before newer ones came.
	UpdatesLost int64
}

// newScores converts scores of a stream that model answers.
func newScores(scores []*siamesev1.ReferenceScore, model string) []Score {
	converted := make([]Score, len(scores))
	for i, score := range scores {
		converted[i] = Score{
			Reference: score.GetReference(), Similarity: score.GetSimilarity(), Same: score.GetSame(),
			Model: answeredBy(score.GetModel(), model), Foreign: score.GetForeign(),
		}
	}
	return converted
}

func newTimings(timings *siamesev1.Timings) Timings {
	return Timings{
		Decode:  timings.GetDecode().AsDuration(),
		Queue:   timings.GetQueue().AsDuration(),
		Encode:  timings.GetEncode().AsDuration(),
		Compare: timings.GetCompare().AsDuration(),
		Total:   timings.GetTotal().AsDuration(),
	}
}
