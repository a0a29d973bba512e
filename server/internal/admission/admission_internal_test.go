package admission

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/descriptorpb"

	"siamese/server/internal/memory"
)

func newGate(t *testing.T, maxCalls int) *Gate {
	t.Helper()
	budget, err := memory.NewBudget(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGate(Config{MaxCalls: maxCalls, MaxMessageBytes: 1 << 20, Memory: budget, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A caller that leaves must not have more handlers at work than calls.
func TestCallLastsAsLongAsItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, 1)
		admit := func(ctx context.Context) (context.Context, error) {
			return g.Admit(ctx, "/siamese.v1.SiameseService/Compare", Identity{Address: "192.0.2.1:1"})
		}
		ctx, leave := context.WithCancel(t.Context())
		admitted, err := admit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		handler := func(context.Context, any) (any, error) {
			leave()
			synctest.Wait()
			if _, err := admit(t.Context()); status.Code(err) != codes.ResourceExhausted {
				t.Errorf("a call beside a handler whose caller has left = %v, want RESOURCE_EXHAUSTED", err)
			}
			return nil, nil
		}
		if _, err := g.Unary(admitted, nil, nil, handler); err != nil {
			t.Errorf("Unary = %v, want none", err)
		}
		if _, err := admit(t.Context()); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("a call beside an answer that has not gone = %v, want RESOURCE_EXHAUSTED", err)
		}
		Leave(admitted)
		if _, err := admit(t.Context()); err != nil {
			t.Errorf("a call after that = %v, want it let in", err)
		}
	})
}

// What comes by no admission is a fault of ours, and lets nobody in.
func TestCallsWithoutAdmissionAreRefused(t *testing.T) {
	g := newGate(t, 1)
	handler := func(context.Context, any) (any, error) {
		t.Error("the handler was called")
		return nil, nil
	}
	if _, err := g.Unary(t.Context(), nil, nil, handler); err == nil {
		t.Error("Unary = nil, want an error")
	}
}

// A list of numbers takes more than the bytes that it came in.
func TestGrowthCountsNumbers(t *testing.T) {
	packed := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{1, 0xff, 0x01, 3}) // three numbers
	var single []byte
	for range 5 {
		single = protowire.AppendVarint(protowire.AppendTag(single, 1, protowire.VarintType), 1)
	}
	tests := []struct {
		name    string
		message []byte
		want    int64
	}{
		{"packed", packed, partBytes + 3*numberBytes},
		{"one by one", single, 5 * numberBytes},
		{"not a message", []byte{0xff}, 0},
	}
	numbers := (&descriptorpb.SourceCodeInfo_Location{}).ProtoReflect().Descriptor() // its field 1 is a list of int32
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := growth(tt.message, numbers, maxDepth); got != tt.want {
				t.Errorf("growth(%x) = %d, want %d", tt.message, got, tt.want)
			}
		})
	}
}
