package bench

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"siamese/bench/load"
	siamesev1 "siamese/proto/siamese/v1"
)

// maxReplyBytes is the largest reply that is taken.
const maxReplyBytes = 16 << 20

// target is a server that calls are made to. It is safe for concurrent use.
type target struct {
	connection *grpc.ClientConn
	service    siamesev1.SiameseServiceClient
}

// dial makes a target. Without transport credentials among the options the
// connection is plain text. The caller closes it.
func dial(address string, options ...grpc.DialOption) (target, error) {
	connection, err := grpc.NewClient(address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReplyBytes)),
	}, options...)...)
	if err != nil {
		return target{}, fmt.Errorf("bench: server %q: %w", address, err)
	}
	return target{connection, siamesev1.NewSiameseServiceClient(connection)}, nil
}

func (t target) close() error { return t.connection.Close() }

// compare scores one pair.
func (t target) compare(ctx context.Context, a, b []byte) (float32, error) {
	reply, err := t.service.Compare(ctx, &siamesev1.CompareRequest{ImageA: encodedImage(a), ImageB: encodedImage(b)})
	return reply.GetSimilarity(), err
}

// rank scores a query against candidates.
func (t target) rank(ctx context.Context, query []byte, candidates [][]byte) error {
	request := &siamesev1.RankRequest{Query: encodedImage(query)}
	for _, candidate := range candidates {
		request.Candidates = append(request.Candidates, encodedImage(candidate))
	}
	reply, err := t.service.Rank(ctx, request)
	if err != nil {
		return err
	}
	if ranked := len(reply.GetRanked()); ranked != len(candidates) {
		return fmt.Errorf("bench: %d of %d candidates were ranked: %v", ranked, len(candidates), reply.GetErrors())
	}
	return nil
}

func encodedImage(file []byte) *siamesev1.Image {
	return &siamesev1.Image{Source: &siamesev1.Image_Encoded{Encoded: file}}
}

// comparing calls Compare with the next two of the pictures each time, after the
// last with the first again.
func (t target) comparing(files [][]byte) load.Call {
	return func(ctx context.Context, number int) error {
		_, err := t.compare(ctx, files[2*number%len(files)], files[(2*number+1)%len(files)])
		return err
	}
}

// ranking calls Rank with a query and candidates that are the next of the
// pictures each time.
func (t target) ranking(files [][]byte, candidates int) load.Call {
	return func(ctx context.Context, number int) error {
		taken := make([][]byte, candidates+1)
		for i := range taken {
			taken[i] = files[(number*len(taken)+i)%len(files)]
		}
		return t.rank(ctx, taken[0], taken[1:])
	}
}
