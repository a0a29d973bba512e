package web_test

import (
	"bytes"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"

	"siamese/web"
)

// maxBytes is what the page may weigh in all, without the samples, which are
// fetched when they are asked for; maxSampleBytes is for those.
const (
	maxBytes       = 225_000
	maxSampleBytes = 64 << 10
)

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

// samples are the page's sample pictures with the test pictures that they are.
var samples = map[string]string{
	"cat.jpg": "photos/cat.jpg", "cat_copy.jpg": "photos/cat_copy.jpg", "coffee.jpg": "photos/coffee.jpg", "rocket.jpg": "photos/rocket.jpg",
	"alpha_1.png": "omniglot/Greek/character01/0394_01.png", "alpha_2.png": "omniglot/Greek/character01/0394_02.png", "alpha_3.png": "omniglot/Greek/character01/0394_18.png",
	"beta_1.png": "omniglot/Greek/character02/0395_01.png", "beta_2.png": "omniglot/Greek/character02/0395_07.png",
}

func TestHandlerServesSamples(t *testing.T) {
	total := 0
	for name, origin := range samples {
		want, err := os.ReadFile("../testdata/" + origin)
		if err != nil {
			t.Fatal(err)
		}
		got := get(http.MethodGet, "/samples/"+name)
		if wantType := mime.TypeByExtension(path.Ext(name)); got.Code != http.StatusOK || got.Header().Get("Content-Type") != wantType || !bytes.Equal(got.Body.Bytes(), want) {
			t.Errorf("GET of the sample %s = %d, %q, %d bytes, want 200, %q and testdata/%s", name, got.Code, got.Header().Get("Content-Type"), got.Body.Len(), wantType, origin)
		}
		total += got.Body.Len()
	}
	if total > maxSampleBytes {
		t.Errorf("the samples have %d bytes, want at most %d", total, maxSampleBytes)
	}
	licence := get(http.MethodGet, "/samples/LICENSE.txt").Body.String()
	for name := range samples {
		if !strings.Contains(licence, name) {
			t.Errorf("samples/LICENSE.txt does not tell of %s", name)
		}
	}
	if !strings.Contains(licence, "CC0 1.0") || !strings.Contains(licence, "Permission is hereby granted") {
		t.Errorf("samples/LICENSE.txt is %q, want CC0 and Omniglot's licence", licence)
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
