package fault_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/server/batch"
	"siamese/server/internal/fault"
)

// TestBlame: what is the server's own stays so, and the rest is the caller's.
func TestBlame(t *testing.T) {
	explainer := fault.Explainer{Log: slog.New(slog.DiscardHandler), RequestID: func(context.Context) string { return "" }}
	own := explainer.Status(t.Context(), "Compare", errors.New("device 7 fell off the bus"))
	tests := []struct {
		name string
		give error
		want codes.Code
	}{
		{"no error", nil, codes.OK},
		{"our own", own, codes.Internal},
		{"an answer that can't be packed", status.Error(codes.Internal, "grpc: error while marshaling: string field contains invalid UTF-8"), codes.Internal},
		{"half a message", status.Error(codes.Internal, "unexpected EOF"), codes.InvalidArgument},
		{"an unknown error", status.Error(codes.Unknown, "stream error"), codes.InvalidArgument},
		{"a deadline", status.Error(codes.DeadlineExceeded, "late"), codes.DeadlineExceeded},
		{"words that are no UTF-8", status.Error(codes.Internal, "\xff"), codes.InvalidArgument},
	}
	for _, tt := range tests {
		if got := status.Code(fault.Blame(tt.give)); got != tt.want {
			t.Errorf("Blame of %s = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A call that is given up before its deadline is not told that this has passed.
func TestUnmeetableDeadlineSaysSo(t *testing.T) {
	got := fault.Of(fmt.Errorf("encoding: %w", batch.ErrUnmeetable)).GRPCStatus()
	if got.Code() != codes.DeadlineExceeded || got.Message() != batch.ErrUnmeetable.Error() {
		t.Errorf("the status of ErrUnmeetable is %v %q, want DEADLINE_EXCEEDED %q", got.Code(), got.Message(), batch.ErrUnmeetable)
	}
}
