package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"siamese/server/internal/fault"
)

// GuardHosts lets requests come to next that name this machine as their host, or one
// of the given names, where at is an address of this machine alone: a page of another
// origin whose name is made to lead here (DNS rebinding) would pass for the server's
// own. Where at is reached by others it has names that nobody here knows, and all
// come to next.
func GuardHosts(at net.Addr, names []string, next http.Handler) http.Handler {
	address, err := netip.ParseAddrPort(at.String())
	if err != nil || !address.Addr().Unmap().IsLoopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r.Host); !isLoopback(host) && !slices.Contains(names, host) {
			http.Error(w, fmt.Sprintf("received a request for host %s, expected localhost, a loopback address or a name that the server was told", fault.Quote(r.Host)),
				http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is a Host header without port and brackets, in lower case.
func hostOf(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = header
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// isLoopback reports whether a host is this machine by any resolver's word. Empty is
// that of a client that speaks HTTP/1.0, which is no browser.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.Unmap().IsLoopback()
}
