package server

import (
	"context"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A caller that leaves must not have more handlers at work than calls.
func TestCallLastsAsLongAsItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{MaxCalls: 1})
		if err != nil {
			t.Fatal(err)
		}
		admit := func(ctx context.Context) (context.Context, error) {
			return s.admit(ctx, "/siamese.v1.SiameseService/Compare", identity{address: "192.0.2.1:1"})
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
		if _, err := s.admitUnary(admitted, nil, nil, handler); err != nil {
			t.Errorf("admitUnary = %v, want none", err)
		}
		if _, err := admit(t.Context()); err != nil {
			t.Errorf("a call after that = %v, want it let in", err)
		}
	})
}

// What comes by no admission is a fault of ours, and lets nobody in.
func TestCallsWithoutAdmissionAreRefused(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	handler := func(context.Context, any) (any, error) {
		t.Error("the handler was called")
		return nil, nil
	}
	if _, err := s.admitUnary(t.Context(), nil, nil, handler); err == nil {
		t.Error("admitUnary = nil, want an error")
	}
}
