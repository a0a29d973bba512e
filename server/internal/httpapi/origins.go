package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/cors"

	"siamese/server/internal/telemetry"
)

// What pages of other origins may send, and see of an answer: what the protocols
// of Connect need, and what is this service's own.
var (
	corsRequestHeaders = strings.Join(append(cors.AllowedHeaders(),
		"Authorization", "Content-Encoding", binaryLengthHeader, telemetry.RequestIDHeader), ", ")
	corsResponseHeaders = strings.Join(append(cors.ExposedHeaders(), binaryLengthHeader, "Retry-After", telemetry.RequestIDHeader), ", ")
)

// binaryLengthHeader is of the front whose bodies have tensors behind their JSON.
const binaryLengthHeader = "Inference-Header-Content-Length"

// corsMaxAge is for how many seconds browsers may keep what they were told;
// they cap it at two hours.
const corsMaxAge = "7200"

// guardOrigins lets pages of the given origins call next, beside the server's
// own and programs that are no browsers, and turns other pages away by deny.
func guardOrigins(origins []string, deny http.HandlerFunc, next http.Handler) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(deny)
	protected := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Add("Vary", "Origin")
		if origin == "" || !slices.Contains(origins, origin) {
			protected.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", corsResponseHeaders)
		if r.Method == http.MethodOptions {
			answerPreflight(w)
			return
		}
		protected.ServeHTTP(w, r)
	}), nil
}

func answerPreflight(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Methods", http.MethodGet+", "+http.MethodPost) // GET is that of fronts
	w.Header().Set("Access-Control-Allow-Headers", corsRequestHeaders)
	w.Header().Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}

// otherOrigin is what pages of other origins are told.
const otherOrigin = "received a call from a page of another origin, expected the server's own page or an origin that it was told to allow"

func refuseOrigin(w http.ResponseWriter, r *http.Request) {
	refuse(w, r, connect.CodePermissionDenied, otherOrigin)
}
