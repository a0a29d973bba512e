package client

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	siamesev1 "siamese/proto/siamese/v1"
)

// Error is a call or an item that the server, or the way to it, failed.
type Error struct {
	Code codes.Code
	// Reason is the contract's, such as "IMAGE_UNDECODABLE"; empty where the
	// failure came from gRPC itself.
	Reason string
	// Message is for a person.
	Message string
	// Field is the field at fault, such as "image_b"; empty where none is.
	Field string
	// RetryIn is how long the server asks to wait before the call is repeated;
	// 0 where it does not say.
	RetryIn time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Reason, e.Message)
}

// GRPCStatus lets status.FromError and status.Code see the code.
func (e *Error) GRPCStatus() *status.Status {
	return status.New(e.Code, e.Message)
}

func newError(err error) *Error {
	received := status.Convert(err)
	failure := &Error{Code: received.Code(), Message: received.Message()}
	for _, detail := range received.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = detail.GetReason()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Field = violation.GetField()
			}
		case *errdetails.RetryInfo:
			failure.RetryIn = detail.GetRetryDelay().AsDuration()
		}
	}
	return failure
}

func newItemError(item *siamesev1.ItemError) *Error {
	return &Error{
		Code:    codes.Code(item.GetCode()),
		Reason:  item.GetReason(),
		Message: item.GetMessage(),
		Field:   item.GetField(),
	}
}

// errorOf returns err as an *Error; its reason is kept where it is one already.
func errorOf(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	return newError(err)
}

func streamEnded() *Error {
	return &Error{Code: codes.Unavailable, Message: "the server ended the stream"}
}

// unexpected is an error for a server that does not keep to the contract.
func unexpected(format string, args ...any) *Error {
	return &Error{Code: codes.Internal, Message: "received " + fmt.Sprintf(format, args...)}
}
