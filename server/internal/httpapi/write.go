package httpapi

import (
	"net/http"
	"time"
)

// writeStep is how much is to be written within a server's stall timeout.
const writeStep = 64 << 10

// progressWriter ends an answer whose reader makes no progress, however long one
// that does takes.
type progressWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
}

// withProgress has all answers of next written so.
func withProgress(stall time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &progressWriter{w, http.NewResponseController(w), stall}
		defer p.extend() // for what is written after the handler
		next.ServeHTTP(p, r)
	})
}

// extend fails where there are no deadlines, as in tests.
func (p *progressWriter) extend() { _ = p.control.SetWriteDeadline(time.Now().Add(p.stall)) }

// WriteHeader implements http.ResponseWriter. The answer is not told to have a
// length: its end then comes after the call has left, and the caller can call again.
func (p *progressWriter) WriteHeader(code int) {
	p.Header().Del("Content-Length")
	p.extend()
	p.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (p *progressWriter) Write(b []byte) (int, error) {
	written := 0
	for {
		p.extend()
		n, err := p.ResponseWriter.Write(b[written:min(written+writeStep, len(b))])
		written += n
		if err != nil || written >= len(b) {
			return written, err
		}
	}
}

// Flush implements http.Flusher.
func (p *progressWriter) Flush() {
	p.extend()
	_ = p.control.Flush() // what is lost with the connection has no reader
}

// Unwrap is for http.ResponseController.
func (p *progressWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
