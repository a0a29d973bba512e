// Package client compares images through a running server: the calls of
// siamese.v1.SiameseService in Go's own types, a stream of frames
// ([Client.Stream]), and one that has the newest frame of a camera scored,
// whatever becomes of the server ([Client.Live]); and it keeps pictures in galleries and
// finds them there, by those of siamese.v1.GalleryService ([Client.Identify]; frames of a
// camera by [Client.LiveGallery]).
package client

import (
	"context"
	"crypto/tls"
	"fmt"

	"google.golang.org/grpc"

	siamesev1 "siamese/proto/siamese/v1"
)

// maxMessageBytes is the largest reply that is taken: prepared pictures of a
// large call go over gRPC's own 4 MiB. The server's default limit is the same.
const maxMessageBytes = 16 << 20

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	connection *grpc.ClientConn
	service    siamesev1.SiameseServiceClient
	galleries  siamesev1.GalleryServiceClient
	dial       func() (*grpc.ClientConn, error) // makes another connection of the kind
}

// Options are optional wishes. The zero value asks for nothing.
type Options struct {
	// Threshold replaces the model's own, 0 to 1. Nil: the model's.
	Threshold *float32
	// IncludePrepared asks for the pictures as the network saw them.
	IncludePrepared bool
	// Model is the model that is to answer: "model", "model/version" or
	// "model/label", such as "omniglot", "general/3" or "general/canary"; a version
	// or label alone is one of the server's default model. "auto": each pair is
	// answered by the model to which both of its images are the most familiar, among
	// ServerInfo.AutoModels. Empty: the server's default (ServerInfo.DefaultModel).
	// One that is not served gives MODEL_NOT_FOUND.
	Model string
	// TestTimeViews is how many views of a picture are scored, the mean of which is the
	// similarity: the picture itself and small shifts, turns and scales of it, at most
	// Limits.MaxTestTimeViews (TEST_TIME_VIEWS beyond that). Each costs the server another
	// encode, of both images of a pair and of a query or frame alone. 0 or 1: the picture
	// alone.
	TestTimeViews uint32
}

func (o Options) proto() *siamesev1.CompareOptions {
	return &siamesev1.CompareOptions{
		IncludePrepared: o.IncludePrepared, Threshold: o.Threshold, Model: o.Model, TestTimeViews: o.TestTimeViews,
	}
}

// New makes a client for a server at an address as [ParseAddress] reads it, such as
// "localhost:50051", "https://example.org:50051" or "unix:/run/siamese.sock". Nothing is
// connected before the first call. Transport credentials among the options ([WithTLS])
// come before what the address says; without them https:// is TLS by the system's
// authorities, and all else plain text. The caller closes the client.
func New(address string, options ...grpc.DialOption) (*Client, error) {
	parsed, err := ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	transport := grpc.WithTransportCredentials(newPlainTransport())
	if parsed.IsTLS() {
		transport = WithTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	options = append([]grpc.DialOption{
		transport,
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
	}, options...)
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient(parsed.Target(), options...) }
	connection, err := dial()
	if err != nil {
		return nil, fmt.Errorf("client for %q: %w", address, err)
	}
	return &Client{
		connection: connection, service: siamesev1.NewSiameseServiceClient(connection), galleries: siamesev1.NewGalleryServiceClient(connection), dial: dial,
	}, nil
}

// Close ends the connection; calls in flight fail. A Live or LiveGallery has
// connections of its own and goes on.
func (c *Client) Close() error {
	return c.connection.Close()
}

func encoded(data []byte) *siamesev1.Image {
	return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: data}}
}

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
