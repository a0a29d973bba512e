package fault

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Constructors of the faults that the server finds itself.

func invalid(reason, format string, args ...any) *Fault {
	return &Fault{code: codes.InvalidArgument, reason: reason, message: fmt.Sprintf(format, args...)}
}

// ImageUnset says that an image has none of its forms set.
func ImageUnset() *Fault {
	return invalid(ReasonImageUnset, "received no image, expected one of encoded, raw, embedding or, on a stream, reference")
}

// ReferenceOutsideStream says that a unary call names a reference.
func ReferenceOutsideStream() *Fault {
	return invalid(ReasonReferenceOutsideStream, "received the name of a reference, expected an image: only a stream has references")
}

// ModelMismatch says that an embedding was made by another model than those that
// answer: expected are the digests, at least one.
func ModelMismatch(received string, expected ...string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonModelMismatch,
		message:  fmt.Sprintf("received an embedding of model %s, expected one of model %s", Quote(received), quoteAny(expected)),
		metadata: map[string]string{"model_digest": expected[0]},
	}
}

// EmbeddingsOfTwoModels says that two images can't be scored against each other, since
// they came as embeddings of different models, by their digests.
func EmbeddingsOfTwoModels(a, b string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonModelMismatch,
		message:  fmt.Sprintf("received embeddings of models %q and %q to be compared, expected both of one model", a, b),
		metadata: map[string]string{"model_digest": a},
	}
}

// quoteAny quotes names of which any will do.
func quoteAny(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, " or ")
}

// EmbeddingLength says that an embedding has another length than the model's.
func EmbeddingLength(received, expected int) *Fault {
	f := invalid(ReasonEmbeddingLength, "received an embedding of %d numbers, expected %d", received, expected)
	f.metadata = map[string]string{"count": strconv.Itoa(received), "embedding_length": strconv.Itoa(expected)}
	return f
}

// EmbeddingValue says that a number of an embedding is none that the model can make:
// least to most, or any finite one where most is 0.
func EmbeddingValue(index int, value, least, most float32) *Fault {
	expected := "a finite number"
	if most > 0 {
		expected = fmt.Sprintf("%v to %v, what the model can make", least, most)
	}
	f := invalid(ReasonEmbeddingValue, "received %v as number %d of an embedding, expected %s", value, index, expected)
	f.metadata = map[string]string{"index": strconv.Itoa(index)}
	return f
}

// EmbeddingNorm says that an embedding has another length, as a vector, than 1, which
// all that the model can make have.
func EmbeddingNorm(norm float64) *Fault {
	return invalid(ReasonEmbeddingValue, "received an embedding of length %.4g as a vector, expected 1, what the model makes", norm)
}

// CheckCount bounds the length of a list to 1..limit.
func CheckCount(field string, count, limit int) error {
	switch {
	case count == 0:
		return invalid(ReasonNoItems, "received none, expected 1 to %d", limit).At(field)
	case count > limit:
		f := invalid(ReasonTooManyItems, "received %d, expected at most %d", count, limit)
		f.metadata = counted(count, limit)
		return f.At(field)
	}
	return nil
}

func counted(count, limit int) map[string]string {
	return map[string]string{"count": strconv.Itoa(count), "limit": strconv.Itoa(limit)}
}

// CheckViews bounds how many views of a picture are asked for.
func CheckViews(field string, received uint32, limit int) error {
	switch {
	case uint64(received) <= uint64(max(limit, 1)):
		return nil
	case limit <= 1:
		f := invalid(ReasonTestTimeViews, "received a wish for %d views of a picture, expected 0 or 1: this server scores pictures alone", received)
		f.metadata = map[string]string{"limit": strconv.Itoa(limit)}
		return f.At(field)
	}
	f := invalid(ReasonTestTimeViews, "received a wish for %d views of a picture, expected at most %d", received, limit)
	f.metadata = map[string]string{"limit": strconv.Itoa(limit)}
	return f.At(field)
}

// TooManyViews says that the views of a call's pictures are more images than one call
// may bring before an encoder.
func TooManyViews(views, images, limit int) *Fault {
	f := invalid(ReasonTestTimeViews, "received a wish for %d views of a picture, in all %d images, expected at most %d images in a call: ask for fewer views, or send fewer pictures at a time", views, images, limit)
	f.metadata = counted(images, limit)
	return f
}

// CheckFraction bounds an option to 0..1; reason is told where it is outside.
func CheckFraction(field, reason string, value float32) error {
	if value >= 0 && value <= 1 { // NaN is not
		return nil
	}
	return invalid(reason, "received %v, expected 0 to 1", value).At(field)
}

// NotReady says that the server has no model yet.
func NotReady() *Fault {
	return &Fault{code: codes.Unavailable, reason: ReasonNotReady, message: "the server has no model yet"}
}

// ModelNotReady says that a model is served, but has no version that answers now.
func ModelNotReady(name string) *Fault {
	return &Fault{
		code: codes.Unavailable, reason: ReasonNotReady,
		message: fmt.Sprintf("model %q has no version that answers: it is being loaded, or does not hold", name),
	}
}

// ModelNotFound says that no model, version or label has this name, and which models
// there are.
func ModelNotFound(name string, models []string) *Fault {
	return &Fault{
		code: codes.NotFound, reason: ReasonModelNotFound,
		message: fmt.Sprintf("received model %s, expected one of %s, MODEL/VERSION or MODEL/LABEL, or a version or label of the default model",
			Quote(name), strings.Join(models, ", ")),
	}
}

// VersionNotFound says that the model has no version or label of this name in memory,
// and which versions it has there.
func VersionNotFound(name, model string, versions []string) *Fault {
	return &Fault{
		code: codes.NotFound, reason: ReasonModelNotFound,
		message: fmt.Sprintf("received model %s, a version or label that is not loaded, expected one of %s/%s, or a label",
			Quote(name), model, strings.Join(versions, ", "+model+"/")),
	}
}

// Draining says that the server is about to stop.
func Draining() *Fault {
	return &Fault{code: codes.Unavailable, reason: ReasonDraining, message: "the server is about to stop"}
}

// ModelRetired says that a stream has to end because its model does. Another stream
// is answered by the model that has taken over.
func ModelRetired() *Fault {
	return &Fault{code: codes.Unavailable, reason: ReasonDraining, message: "the version of the model that this stream opened with is about to be unloaded: open another stream"}
}

// leavesSome is how all callers' places are shared (access.Shares).
const leavesSome = "expected at most %d of all callers, and of one at most three times as many as are free"

// ServerBusy says that all callers together have limit calls under way, or the caller
// its share of them.
func ServerBusy(limit int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonServerBusy,
		message:  fmt.Sprintf("received another call under way, "+leavesSome, limit),
		metadata: map[string]string{"max_calls": strconv.Itoa(limit)},
		retry:    retryDelay,
	}
}

// MemoryFull says that the messages and replies of all callers take the limit bytes
// that there are for them.
func MemoryFull(limit int64) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonServerBusy,
		message:  fmt.Sprintf("there is no memory for this message or its reply: those of all callers may take %d bytes at a time, those of one caller as many as they leave free", limit),
		metadata: map[string]string{"max_bytes": strconv.FormatInt(limit, 10)},
		retry:    retryDelay,
	}
}

// HeaderTooLong says that a call's header is too long.
func HeaderTooLong(size, limit int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonHeaderTooLong,
		message:  fmt.Sprintf("received a header of %d bytes, expected at most %d", size, limit),
		metadata: counted(size, limit),
	}
}

// TooManyWatches says that health is watched by as many as it may be.
func TooManyWatches(limit, perAddress int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyStreams,
		message:  fmt.Sprintf("received another Watch of health, expected at most %d in all and %d from one address: ask Check instead", limit, perAddress),
		metadata: map[string]string{"max_watches": strconv.Itoa(limit), "max_watches_of_address": strconv.Itoa(perAddress)},
		retry:    retryDelay,
	}
}

// TooManyStreams says that limit streams are open, or the caller's share of them.
func TooManyStreams(limit int) *Fault {
	return &Fault{
		code: codes.ResourceExhausted, reason: ReasonTooManyStreams,
		message:  fmt.Sprintf("received another open stream, "+leavesSome, limit),
		metadata: map[string]string{"max_streams": strconv.Itoa(limit)},
		retry:    retryDelay,
	}
}

// StreamNotOpened says that a stream's first message is no opening.
func StreamNotOpened(received string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonStreamNotOpened,
		message: fmt.Sprintf("received %s as the first message, expected opening", received),
	}
}

// StreamAlreadyOpen says that a second opening came on a stream.
func StreamAlreadyOpen() *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonStreamAlreadyOpen, field: "opening",
		message: "received a second opening, expected one in all",
	}
}

// DropPolicyUnknown says that an opening asks for a drop policy that the server
// does not know.
func DropPolicyUnknown(policy int32) *Fault {
	return invalid(ReasonDropPolicyUnknown, "received drop policy %d, expected one of DropPolicy", policy).At("opening.drop_policy")
}

// MessageUnset says that a stream's message asks for nothing.
func MessageUnset() *Fault {
	return invalid(ReasonMessageUnset, "received a message that asks for nothing, expected set_reference, drop_reference, frame or pair")
}

// MethodTooLong says that a call is for a method whose name is longer than any.
func MethodTooLong(method string) error {
	return status.Error(codes.Unimplemented, "there is no call "+Quote(method))
}

// maxReferenceName is the longest name of a reference, in bytes.
const maxReferenceName = 256

// CheckReferenceName bounds the length of a reference's name.
func CheckReferenceName(field, name string) error {
	if len(name) < 1 || len(name) > maxReferenceName {
		return invalid(ReasonReferenceName, "received a name of %d bytes, expected 1 to %d", len(name), maxReferenceName).At(field)
	}
	return nil
}

// maxNameTold is the longest name that the report of a failure carries whole, in
// bytes: longer than any that a reference can have.
const maxNameTold = 1 << 10

// ClipReferenceName returns a name as the report of its failure carries it.
func ClipReferenceName(name string) string { return clip(name, maxNameTold) }

// UnknownReference says that no reference of the stream has this name.
func UnknownReference(field, name string) *Fault {
	return invalid(ReasonUnknownReference, "received %s, expected the name of a reference of this stream", Quote(name)).At(field)
}

// TooManyReferences says that a stream would hold, or a frame name, count
// references.
func TooManyReferences(field string, count, limit int) *Fault {
	f := invalid(ReasonTooManyReferences, "received %d references, expected at most %d", count, limit)
	f.metadata = counted(count, limit)
	return f.At(field)
}

// NoReferences says that a frame came while the stream holds no reference.
func NoReferences() *Fault {
	return invalid(ReasonNoReferences, "received a frame while the stream holds no reference, expected set_reference before").At("frame.references")
}
