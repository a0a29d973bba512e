package server_test

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/proto/inference"
	"siamese/server"
)

// TestOIPIsNotSpokenUnlessAsked at neither port.
func TestOIPIsNotSpokenUnlessAsked(t *testing.T) {
	h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{})
	if _, err := inference.NewGRPCInferenceServiceClient(h.conn).ServerLive(t.Context(), nil); status.Code(err) != codes.Unimplemented {
		t.Errorf("ServerLive = %v, want UNIMPLEMENTED", err)
	}
	if got := h.do(t, http.MethodGet, "/v2/health/live", nil); got.Status != http.StatusNotFound {
		t.Errorf("GET /v2/health/live = %+v, want 404", got)
	}
	h.checkAnswers(t)
}
