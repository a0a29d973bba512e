package fault

import (
	"strings"

	"google.golang.org/grpc/codes"
)

// Reasons of other servers' protocols, in which images come in tensors.
const (
	// ReasonSignatureNotFound: the name of a signature that the model does not have.
	ReasonSignatureNotFound = "SIGNATURE_NOT_FOUND"
	// ReasonTensorName: an input or output that the signature does not have, or an
	// input that is missing.
	ReasonTensorName = "TENSOR_NAME"
	// ReasonTensorInvalid: a tensor of another type or shape than expected, or whose
	// values are not as many as its shape says.
	ReasonTensorInvalid = "TENSOR_INVALID"
	// ReasonNotOffered: a call of the protocol that this server does not offer.
	ReasonNotOffered = "NOT_OFFERED"
	// ReasonNotOperator: a call that operators alone may make.
	ReasonNotOperator = "NOT_OPERATOR"
)

// SignatureNotFound says that a model has no signature of this name, and which it has.
func SignatureNotFound(received string, expected []string) *Fault {
	return &Fault{
		code: codes.FailedPrecondition, reason: ReasonSignatureNotFound,
		message: "received signature " + Quote(received) + ", expected one of " + strings.Join(expected, ", "),
	}
}

// TensorName says what is wrong with the names of a signature's inputs or outputs.
func TensorName(format string, args ...any) *Fault { return invalid(ReasonTensorName, format, args...) }

// TensorInvalid says what is wrong with a tensor.
func TensorInvalid(format string, args ...any) *Fault {
	return invalid(ReasonTensorInvalid, format, args...)
}

// NotOffered says that a call is not offered, and what is in its place.
func NotOffered(message string) *Fault {
	return &Fault{code: codes.Unimplemented, reason: ReasonNotOffered, message: message}
}

// NotOperator says that a caller may not change what is served, and who may.
func NotOperator(message string) *Fault {
	return &Fault{code: codes.PermissionDenied, reason: ReasonNotOperator, message: message}
}
