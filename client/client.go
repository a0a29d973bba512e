// Package client compares images through a running server: the calls of
// siamese.v1.SiameseService in Go's own types, and a stream that has the newest
// frame of a camera scored, whatever becomes of the server ([Client.Live]).
package client

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	siamesev1 "siamese/proto/siamese/v1"
)

// maxMessageBytes is the largest reply that is taken: prepared pictures of a
// large call go over gRPC's own 4 MiB. The server's default limit is the same.
const maxMessageBytes = 16 << 20

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	connection *grpc.ClientConn
	service    siamesev1.SiameseServiceClient
	dial       func() (*grpc.ClientConn, error) // makes another connection of the kind
}

// Comparison is the score of one pair.
type Comparison struct {
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32
	// Same is the verdict: Similarity >= Threshold.
	Same      bool
	Threshold float32
	// Model is the name of the model that answered.
	Model string
	// PreparedA and PreparedB are the pictures as the network saw them, PNG
	// files; nil unless Options.IncludePrepared.
	PreparedA, PreparedB []byte
}

// Ranking is a query's candidates, best first.
type Ranking struct {
	Matches []Match
	// Failed holds the candidates without a score by their index.
	Failed    map[int]*Error
	Threshold float32
	Model     string
}

// Match is a candidate with its score.
type Match struct {
	// Index is the candidate's place in the call, from 0.
	Index      int
	Similarity float32
	Same       bool
}

// Options are optional wishes. The zero value asks for nothing.
type Options struct {
	// Threshold replaces the model's own, 0 to 1. Nil: the model's.
	Threshold *float32
	// IncludePrepared asks for the pictures as the network saw them.
	IncludePrepared bool
}

// New makes a client for a target as grpc.NewClient takes it, such as
// "localhost:50051". Nothing is connected before the first call. Without
// transport credentials among the options the connection is plain text. The
// caller closes the client.
func New(target string, options ...grpc.DialOption) (*Client, error) {
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
	}, options...)
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient(target, options...) }
	connection, err := dial()
	if err != nil {
		return nil, fmt.Errorf("client for %q: %w", target, err)
	}
	return &Client{connection: connection, service: siamesev1.NewSiameseServiceClient(connection), dial: dial}, nil
}

// Close ends the connection; calls under way fail. A Live has connections of its
// own and goes on.
func (c *Client) Close() error {
	return c.connection.Close()
}

// Compare scores two encoded images (JPEG, PNG, WebP, GIF, BMP or TIFF files).
// Errors are *Error; its Field is "image_a" or "image_b" where one of them is at
// fault.
func (c *Client) Compare(ctx context.Context, a, b []byte, options Options) (Comparison, error) {
	reply, err := c.service.Compare(ctx, &siamesev1.CompareRequest{
		ImageA:  encoded(a),
		ImageB:  encoded(b),
		Options: options.proto(),
	})
	if err != nil {
		return Comparison{}, newError(err)
	}
	return Comparison{
		Similarity: reply.GetSimilarity(),
		Same:       reply.GetSame(),
		Threshold:  reply.GetThreshold(),
		Model:      reply.GetModel().GetName(),
		PreparedA:  reply.GetPreparedAPng(),
		PreparedB:  reply.GetPreparedBPng(),
	}, nil
}

// Rank scores a query against candidates, encoded images all. Errors are
// *Error; a candidate that fails is in Ranking.Failed and fails nothing else.
func (c *Client) Rank(ctx context.Context, query []byte, candidates [][]byte, options Options) (Ranking, error) {
	request := &siamesev1.RankRequest{Query: encoded(query), Options: options.proto()}
	for _, candidate := range candidates {
		request.Candidates = append(request.Candidates, encoded(candidate))
	}
	reply, err := c.service.Rank(ctx, request)
	if err != nil {
		return Ranking{}, newError(err)
	}
	ranking := Ranking{
		Failed:    make(map[int]*Error),
		Threshold: reply.GetThreshold(),
		Model:     reply.GetModel().GetName(),
	}
	for _, ranked := range reply.GetRanked() {
		ranking.Matches = append(ranking.Matches, Match{
			Index:      int(ranked.GetIndex()),
			Similarity: ranked.GetSimilarity(),
			Same:       ranked.GetSame(),
		})
	}
	for _, failed := range reply.GetErrors() {
		ranking.Failed[int(failed.GetIndex())] = newItemError(failed.GetError())
	}
	return ranking, nil
}

func encoded(data []byte) *siamesev1.Image {
	return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: data}}
}

func (o Options) proto() *siamesev1.CompareOptions {
	return &siamesev1.CompareOptions{IncludePrepared: o.IncludePrepared, Threshold: o.Threshold}
}
