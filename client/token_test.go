package client_test

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"siamese/client"
)

func TestWithTokenShowsItWithEachCall(t *testing.T) {
	listener := bufconn.Listen(1 << 10)
	shown := make(chan []string, 1)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		shown <- metadata.ValueFromIncomingContext(stream.Context(), "authorization")
		return status.Error(codes.Unauthenticated, "no")
	}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v, want none", err)
		}
	}()
	c, err := client.New("passthrough:///bufconn", client.WithToken("a-token"),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if _, err := c.Compare(t.Context(), nil, nil, client.Options{}); status.Code(err) != codes.Unauthenticated {
			t.Errorf("Compare = %v, want the server's UNAUTHENTICATED", err)
		}
		if got := <-shown; len(got) != 1 || got[0] != "Bearer a-token" {
			t.Errorf("the call showed %q, want the token once", got)
		}
	}
}
