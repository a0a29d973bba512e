package admission

import (
	"context"
	"crypto/tls"
	"log/slog"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"siamese/server/access"
	"siamese/server/internal/conns"
)

// Tokens tells whose a bearer token is. It must be safe for concurrent use and
// quick: it is asked while a connection waits.
type Tokens interface {
	// Name returns the name that a token was given to, or false for one that
	// opens nothing.
	Name(token string) (name string, known bool)
}

// unauthenticated is what a caller without a valid token is told: not why.
const unauthenticated = "a valid bearer token is needed, in the header authorization"

// Authorization is the header of tokens, as gRPC spells it.
const Authorization = "authorization"

// tokenName returns whose token the headers carry, or false without a valid one.
func tokenName(tokens Tokens, headers []string) (name string, known bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", false
	}
	return tokens.Name(strings.TrimSpace(token))
}

// Identity is what a call shows of who makes it.
type Identity struct {
	Authorization []string             // the header's values
	TLS           *tls.ConnectionState // nil: plain text
	Address       string               // IP address and port
}

// GuardPort returns the credentials of a port of gRPC that tells clients of HTTP/1, of
// plain text and of TLS what it speaks, where they speak something else.
func GuardPort(inner credentials.TransportCredentials, isTLS bool, log *slog.Logger) credentials.TransportCredentials {
	return (&conns.Port{TLS: isTLS, Log: log}).GuardGRPC(inner)
}

// IdentityOf returns what a call over gRPC shows.
func IdentityOf(ctx context.Context) Identity {
	shown := Identity{Authorization: metadata.ValueFromIncomingContext(ctx, Authorization)}
	if from, ok := peer.FromContext(ctx); ok {
		shown.Address = from.Addr.String()
		shown.TLS = conns.TLS(ctx)
	}
	return shown
}

// Caller names the caller: by its token, where tokens are asked for, else by its
// certificate, else by its address. The word before it keeps the three apart.
// The error is a status, UNAUTHENTICATED.
func (i Identity) Caller(tokens Tokens) (string, error) {
	if tokens != nil {
		name, known := tokenName(tokens, i.Authorization)
		if !known {
			return "", status.Error(codes.Unauthenticated, unauthenticated)
		}
		return "token " + name, nil
	}
	if i.TLS != nil && len(i.TLS.VerifiedChains) > 0 {
		return "certificate " + access.CertificateName(i.TLS.PeerCertificates[0]), nil
	}
	return i.AddressName(), nil
}

// AddressName names the caller by the address alone.
func (i Identity) AddressName() string { return "address " + access.AddressName(i.Address) }
