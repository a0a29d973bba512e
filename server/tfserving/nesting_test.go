package tfserving_test

import (
	"slices"
	"testing"

	tensorpb "github.com/galeone/tensorflow/tensorflow/go/core/framework/tensor_go_proto"
	"google.golang.org/grpc/codes"

	"siamese/server"
	"siamese/server/internal/fault"
)

// nested is a tensor in tensors, which has count empty ones.
func nested(levels, count int) *tensorOf {
	inner := slices.Repeat([]*tensorOf{{}}, count)
	for range levels {
		inner = []*tensorOf{{VariantVal: []*tensorpb.VariantTensorDataProto{{Tensors: inner}}}}
	}
	return inner[0]
}

// TestNestedTensorsAreRefused: an empty tensor comes in two bytes and takes hundreds, so
// that a message of them has to be counted to its last one, however deep it is.
func TestNestedTensorsAreRefused(t *testing.T) {
	r := serve(t, server.Config{MemoryBytes: server.MinMemoryBytes}, nil)
	tests := []struct {
		name          string
		levels, count int
		want          failure
	}{
		{"some", 1, 10, failure{codes.InvalidArgument, fault.ReasonTensorInvalid, "inputs.image_a"}},
		{"many", 1, 40_000, failure{codes.ResourceExhausted, fault.ReasonServerBusy, ""}},
		{"deep", 20, 1, failure{codes.InvalidArgument, fault.ReasonMessageUnreadable, ""}},
		{"deep and many", 20, 40_000, failure{codes.InvalidArgument, fault.ReasonMessageUnreadable, ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Predict(t.Context(), request("", inputs{"image_a": nested(tt.levels, tt.count), "image_b": gray(1)}))
			if got := failureOf(err); got != tt.want {
				t.Errorf("Predict of %d tensors %d deep = %v (%v), want %v", tt.count, tt.levels, got, err, tt.want)
			}
		})
	}
}
