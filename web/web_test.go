package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"siamese/web"
)

// maxBytes is what the page may weigh in all.
const maxBytes = 150_000

func get(method, path string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	web.Handler().ServeHTTP(recorder, request)
	return recorder
}

func TestHandlerServesThePage(t *testing.T) {
	tests := []struct{ give, wantType, wantText string }{
		{"/", "text/html; charset=utf-8", `<script src="page.js"`},
		{"/page.js", "text/javascript; charset=utf-8", "getServerInfo"},
		{"/page.css", "text/css; charset=utf-8", ":focus-visible"},
		{"/icon.svg", "image/svg+xml", "<svg"},
	}
	total := 0
	for _, tt := range tests {
		got := get(http.MethodGet, tt.give)
		total += got.Body.Len()
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != tt.wantType || !strings.Contains(got.Body.String(), tt.wantText) {
			t.Errorf("GET %s = %d, %q, want 200, %q and %q", tt.give, got.Code, got.Header().Get("Content-Type"), tt.wantType, tt.wantText)
		}
		if policy := got.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("GET %s has the policy %q, want its own files only and no framing", tt.give, policy)
		}
		if strings.Contains(got.Body.String(), "https://") {
			t.Errorf("GET %s names another site", tt.give)
		}
	}
	if total > maxBytes {
		t.Errorf("the page has %d bytes, want at most %d", total, maxBytes)
	}
}

func TestHandlerAnswersByETag(t *testing.T) {
	tag := get(http.MethodGet, "/page.js").Header().Get("ETag")
	if got := get(http.MethodGet, "/page.js", "If-None-Match", tag); tag == "" || got.Code != http.StatusNotModified {
		t.Errorf("GET with the ETag %q = %d, want 304", tag, got.Code)
	}
}

func TestHandlerRefuses(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/src/page.ts", http.StatusNotFound},
		{http.MethodGet, "/dist/", http.StatusNotFound},
		{http.MethodGet, "/../web.go", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
	} {
		if got := get(tt.method, tt.path).Code; got != tt.want {
			t.Errorf("%s %s = %d, want %d", tt.method, tt.path, got, tt.want)
		}
	}
}
