package client

import (
	"context"

	"google.golang.org/grpc"
)

// WithToken makes a [Client] send a bearer token with each call, over plain text
// too, where anyone on the way can read it: give transport credentials as well
// where the server is another machine.
func WithToken(token string) grpc.DialOption {
	return grpc.WithPerRPCCredentials(bearerToken(token))
}

// bearerToken shows itself with each call.
type bearerToken string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (b bearerToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials. A server on
// the same machine is spoken to in plain text.
func (bearerToken) RequireTransportSecurity() bool { return false }
