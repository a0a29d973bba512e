package server

import (
	"context"
	"crypto/tls"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"siamese/server/access"
)

// Tokens tells whose a bearer token is. It must be safe for concurrent use and
// quick: it is asked while a connection waits.
type Tokens interface {
	// Name returns the name that a token was given to, or false for one that
	// opens nothing.
	Name(token string) (name string, known bool)
}

// unauthenticated is what a caller without a good token is told: not why.
const unauthenticated = "a valid bearer token is needed, in the header authorization"

// authorization is the header of tokens, as gRPC spells it.
const authorization = "authorization"

// tokenName returns whose token the headers carry, or false without a good one.
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

// identity is what a call shows of who makes it.
type identity struct {
	authorization []string             // the header's values
	tls           *tls.ConnectionState // nil: plain text
	address       string               // IP address and port
}

// identityOf is that of a call over gRPC.
func identityOf(ctx context.Context) identity {
	shown := identity{authorization: metadata.ValueFromIncomingContext(ctx, authorization)}
	if from, ok := peer.FromContext(ctx); ok {
		shown.address = from.Addr.String()
		if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			shown.tls = &secured.State
		}
	}
	return shown
}

// caller names who calls: the name of the token, where they are asked for, else
// of the certificate, else the address. The word before it keeps the three apart.
func (i identity) caller(tokens Tokens) (string, error) {
	if tokens != nil {
		name, known := tokenName(tokens, i.authorization)
		if !known {
			return "", status.Error(codes.Unauthenticated, unauthenticated)
		}
		return "token " + name, nil
	}
	if i.tls != nil && len(i.tls.VerifiedChains) > 0 {
		return "certificate " + access.CertificateName(i.tls.PeerCertificates[0]), nil
	}
	return i.addressName(), nil
}

func (i identity) addressName() string { return "address " + access.AddressName(i.address) }
