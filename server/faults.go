package server

import (
	"fmt"
	"strconv"

	"google.golang.org/grpc/codes"
)

// Constructors of the faults that the server finds itself.

func invalid(reason, format string, args ...any) *fault {
	return &fault{code: codes.InvalidArgument, reason: reason, message: fmt.Sprintf(format, args...)}
}

func imageUnset() *fault {
	return invalid(ReasonImageUnset, "received no image, expected one of encoded, raw, embedding or, on a stream, reference")
}

func referenceOutsideStream() *fault {
	return invalid(ReasonReferenceOutsideStream, "received the name of a reference, expected an image: only a stream has references")
}

func modelMismatch(got, want string) *fault {
	return &fault{
		code: codes.FailedPrecondition, reason: ReasonModelMismatch,
		message:  fmt.Sprintf("received an embedding of model %.64q, expected one of model %q", got, want),
		metadata: map[string]string{"model_digest": want},
	}
}

func embeddingLength(got, want int) *fault {
	f := invalid(ReasonEmbeddingLength, "received an embedding of %d numbers, expected %d", got, want)
	f.metadata = map[string]string{"count": strconv.Itoa(got), "embedding_length": strconv.Itoa(want)}
	return f
}

func embeddingValue(index int, value float32) *fault {
	f := invalid(ReasonEmbeddingValue, "received %v as number %d of an embedding, expected a finite number", value, index)
	f.metadata = map[string]string{"index": strconv.Itoa(index)}
	return f
}

// checkCount bounds the length of a list to 1..limit.
func checkCount(field string, count, limit int) error {
	switch {
	case count == 0:
		return invalid(ReasonNoItems, "received none, expected 1 to %d", limit).at(field)
	case count > limit:
		f := invalid(ReasonTooManyItems, "received %d, expected at most %d", count, limit)
		f.metadata = counted(count, limit)
		return f.at(field)
	}
	return nil
}

func counted(count, limit int) map[string]string {
	return map[string]string{"count": strconv.Itoa(count), "limit": strconv.Itoa(limit)}
}

// checkFraction bounds an option to 0..1.
func checkFraction(field, reason string, value float32) error {
	if !isFraction(value) {
		return invalid(reason, "received %v, expected 0 to 1", value).at(field)
	}
	return nil
}

func notReady() *fault {
	return &fault{code: codes.Unavailable, reason: ReasonNotReady, message: "the server has no model yet"}
}

func modelNotFound(name string) *fault {
	return &fault{
		code: codes.NotFound, reason: ReasonModelNotFound,
		message: fmt.Sprintf("received model %.64q, expected a version or label that the server serves", name),
	}
}

func draining() *fault {
	return &fault{code: codes.Unavailable, reason: ReasonDraining, message: "the server is about to stop"}
}

func streamNotOpened(got string) *fault {
	return &fault{
		code: codes.FailedPrecondition, reason: ReasonStreamNotOpened,
		message: fmt.Sprintf("received %s as the first message, expected opening", got),
	}
}

func streamAlreadyOpen() *fault {
	return &fault{
		code: codes.FailedPrecondition, reason: ReasonStreamAlreadyOpen, field: "opening",
		message: "received a second opening, expected one in all",
	}
}

func messageUnset() *fault {
	return invalid(ReasonMessageUnset, "received a message that asks for nothing, expected set_reference, drop_reference, frame or pair")
}

// maxReferenceName is the longest name of a reference, in bytes.
const maxReferenceName = 256

func checkReferenceName(field, name string) error {
	if len(name) < 1 || len(name) > maxReferenceName {
		return invalid(ReasonReferenceName, "received a name of %d bytes, expected 1 to %d", len(name), maxReferenceName).at(field)
	}
	return nil
}

func unknownReference(field, name string) *fault {
	return invalid(ReasonUnknownReference, "received %.256q, expected the name of a reference of this stream", name).at(field)
}

func tooManyReferences(field string, count, limit int) *fault {
	f := invalid(ReasonTooManyReferences, "received %d references, expected at most %d", count, limit)
	f.metadata = counted(count, limit)
	return f.at(field)
}

func noReferences() *fault {
	return invalid(ReasonNoReferences, "received a frame while the stream holds no reference, expected set_reference before").at("frame.references")
}
