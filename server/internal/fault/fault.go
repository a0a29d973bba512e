// Package fault turns errors into what callers are told of them.
//
// There is one table from errors to codes and reasons, in [Of]. An error that is
// not in it is the server's own: the caller is told an incident, the log the rest.
package fault

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "siamese/proto/siamese/v1"
)

// Fault is an error as clients are told it. It does not change once made.
type Fault struct {
	code     codes.Code
	reason   string
	message  string            // for people: what was received, what was expected
	field    string            // the path of the field at fault; may be empty
	metadata map[string]string // the numbers of the message; may be nil
	retry    time.Duration     // when to try again; zero: not told
}

// Error returns the message, with the field before it.
func (f *Fault) Error() string {
	if f.field == "" {
		return f.message
	}
	return f.field + ": " + f.message
}

// Reason returns the reason of the contract.
func (f *Fault) Reason() string { return f.reason }

// At returns the fault with the path of the field that it is found in.
func (f *Fault) At(field string) *Fault {
	found := *f
	found.field = field
	return &found
}

// Item returns the fault as an item of a batch or stream carries it.
func (f *Fault) Item() *pb.ItemError {
	return &pb.ItemError{Code: int32(f.code), Reason: f.reason, Message: f.message, Field: f.field}
}

// GRPCStatus returns the fault as a call that fails carries it; gRPC asks for
// it by this name.
func (f *Fault) GRPCStatus() *status.Status {
	details := []protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: f.reason, Domain: Domain, Metadata: f.metadata},
	}
	if f.field != "" {
		details = append(details, &errdetails.BadRequest{
			FieldViolations: []*errdetails.BadRequest_FieldViolation{{
				Field: f.field, Description: f.message, Reason: f.reason,
			}},
		})
	}
	if f.retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(f.retry)})
	}
	plain := status.New(f.code, f.Error())
	detailed, err := plain.WithDetails(details...)
	if err != nil {
		return plain
	}
	return detailed
}

// ReasonOf returns the reason that the caller of a call which ended with err was
// told: [ReasonUnauthenticated] or [ReasonOther] where it was told none.
func ReasonOf(err error) string {
	ended := status.Convert(err)
	if ended.Code() == codes.Unauthenticated {
		return ReasonUnauthenticated
	}
	for _, detail := range ended.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == Domain {
			return info.GetReason()
		}
	}
	return ReasonOther
}
