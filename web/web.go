// Package web is the page that the server shows in browsers: static files, made
// from the TypeScript in src and built into the program. The page calls the
// server that it came from and nothing else.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
)

//go:embed static dist
var files embed.FS

// policy is what the page may load: its own files, and pictures that it made of
// what the person gave.
const policy = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// headers go with every file.
var headers = map[string]string{
	"Content-Security-Policy":    policy,
	"X-Content-Type-Options":     "nosniff",
	"X-Frame-Options":            "DENY",
	"Referrer-Policy":            "no-referrer",
	"Permissions-Policy":         "camera=(self), microphone=(), geolocation=()",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control":              "no-cache", // asked again by ETag: a new program brings a new page
}

// routes are the page's paths with their files. Samples are pictures to try the
// page with; their LICENSE.txt says whose they are.
var routes = map[string]string{
	"/":                     "static/index.html",
	"/icon.svg":             "static/icon.svg",
	"/page.js":              "dist/page.js",
	"/page.css":             "dist/page.css",
	"/samples/cat.jpg":      "static/samples/cat.jpg",
	"/samples/cat_copy.jpg": "static/samples/cat_copy.jpg",
	"/samples/coffee.jpg":   "static/samples/coffee.jpg",
	"/samples/rocket.jpg":   "static/samples/rocket.jpg",
	"/samples/alpha_1.png":  "static/samples/alpha_1.png",
	"/samples/alpha_2.png":  "static/samples/alpha_2.png",
	"/samples/alpha_3.png":  "static/samples/alpha_3.png",
	"/samples/beta_1.png":   "static/samples/beta_1.png",
	"/samples/beta_2.png":   "static/samples/beta_2.png",
	"/samples/LICENSE.txt":  "static/samples/LICENSE.txt",
}

// Handler answers the page's paths by GET and HEAD, and all others with 404. It
// is safe for concurrent use.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := routes[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, fmt.Sprintf("received %s, expected GET", r.Method), http.StatusMethodNotAllowed)
			return
		}
		for key, value := range headers {
			w.Header().Set(key, value)
		}
		serveFile(w, r, name)
	})
}

func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		http.Error(w, path.Base(name)+" is not built in", http.StatusInternalServerError)
		return
	}
	digest := sha256.Sum256(data)
	w.Header().Set("ETag", `"`+hex.EncodeToString(digest[:16])+`"`)
	http.ServeFileFS(w, r, files, name)
}
