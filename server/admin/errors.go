package admin

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/server/internal/fault"
	"siamese/server/versions"
)

// ErrorDomain is the domain of every ErrorInfo of the admin service.
const ErrorDomain = "siamese.admin.v1"

// The reasons of the admin service's errors. They are part of the contract and
// never renamed.
const (
	// ReasonModelNotFound: the server was given no model of this name.
	ReasonModelNotFound = fault.ReasonModelNotFound
	// ReasonVersionUnset: a request that names no version.
	ReasonVersionUnset = "VERSION_UNSET"
	// ReasonVersionNotFound: no folder and no label has this name.
	ReasonVersionNotFound = "VERSION_NOT_FOUND"
	// ReasonVersionRefused: the version does not hold; the message says why.
	ReasonVersionRefused = "VERSION_REFUSED"
	// ReasonVersionUnavailable: the version could not be read for now; the message
	// says why, and when it is tried again.
	ReasonVersionUnavailable = "VERSION_UNAVAILABLE"
	// ReasonVersionInUse: calls are routed by what was to go.
	ReasonVersionInUse = "VERSION_IN_USE"
	// ReasonTooManyVersions: no further model may be in memory now.
	ReasonTooManyVersions = "TOO_MANY_VERSIONS"
	// ReasonLabelName: a word that can't be a label.
	ReasonLabelName = "LABEL_NAME"
)

var (
	errVersionUnset  = errors.New("received no version, expected the name of one")
	errModelNotFound = errors.New("no such model")
)

// statusOf is the table from the managers' errors to statuses.
func statusOf(err error) error {
	var unreadable *fault.Fault
	if errors.As(err, &unreadable) {
		return unreadable.GRPCStatus().Err()
	}
	table := []struct {
		is     error
		code   codes.Code
		reason string
	}{
		{context.DeadlineExceeded, codes.DeadlineExceeded, fault.ReasonDeadlineExceeded},
		{context.Canceled, codes.Canceled, fault.ReasonCancelled},
		{errModelNotFound, codes.NotFound, ReasonModelNotFound},
		{errVersionUnset, codes.InvalidArgument, ReasonVersionUnset},
		{versions.ErrLabel, codes.InvalidArgument, ReasonLabelName},
		{versions.ErrInUse, codes.FailedPrecondition, ReasonVersionInUse},
		{versions.ErrTooMany, codes.ResourceExhausted, ReasonTooManyVersions},
		{versions.ErrTransient, codes.Unavailable, ReasonVersionUnavailable},
		{versions.ErrRefused, codes.FailedPrecondition, ReasonVersionRefused},
		{versions.ErrNotFound, codes.NotFound, ReasonVersionNotFound},
	}
	for _, row := range table {
		if errors.Is(err, row.is) {
			return detailed(row.code, row.reason, err)
		}
	}
	return detailed(codes.Internal, fault.ReasonInternal, err)
}

func detailed(code codes.Code, reason string, err error) error {
	plain := status.New(code, err.Error())
	told, detailErr := plain.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: ErrorDomain})
	if detailErr != nil {
		return plain.Err()
	}
	return told.Err()
}
