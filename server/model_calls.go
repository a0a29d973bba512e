package server

import (
	"context"

	pb "siamese/proto/siamese/v1"
)

// calls is what the gRPC server calls. It hands each call to a service of its
// own, and sees to it that the model which that has used is let go.
type calls struct {
	pb.UnimplementedSiameseServiceServer
	server *Server
}

// service answers one call. It is apart from Server, so that the methods of the
// wire are not part of the package's interface.
type service struct {
	*Server
	held *tenant // the call's model; nil until use
	call *call   // nil until begin, and of streams
}

// use returns the engine of the model with this label or version, the default
// for an empty name, and keeps the model from being unloaded until the call has
// ended. It is called once.
func (s *service) use(name string) (*engine, error) {
	t, err := s.roster.enter(name)
	if err != nil {
		return nil, err
	}
	s.held = t
	return t.engine, nil
}

// end lets go of what the call has held.
func (s *service) end() {
	if s.call != nil && s.call.place != nil {
		s.call.place.Release()
	}
	if s.held != nil {
		s.roster.leave(s.held)
	}
}

// answer has a new service answer a unary call.
func answer[Request, Response any](
	ctx context.Context, server *Server, req Request,
	method func(*service, context.Context, Request) (Response, error),
) (Response, error) {
	s := &service{Server: server}
	defer s.end()
	return method(s, ctx, req)
}

// Compare scores one pair.
func (c *calls) Compare(ctx context.Context, req *pb.CompareRequest) (*pb.CompareResponse, error) {
	return answer(ctx, c.server, req, (*service).Compare)
}

// BatchCompare scores pairs.
func (c *calls) BatchCompare(ctx context.Context, req *pb.BatchCompareRequest) (*pb.BatchCompareResponse, error) {
	return answer(ctx, c.server, req, (*service).BatchCompare)
}

// Rank scores one image against others.
func (c *calls) Rank(ctx context.Context, req *pb.RankRequest) (*pb.RankResponse, error) {
	return answer(ctx, c.server, req, (*service).Rank)
}

// Embed returns embeddings.
func (c *calls) Embed(ctx context.Context, req *pb.EmbedRequest) (*pb.EmbedResponse, error) {
	return answer(ctx, c.server, req, (*service).Embed)
}

// GetServerInfo tells the model, the limits and the build.
func (c *calls) GetServerInfo(ctx context.Context, req *pb.GetServerInfoRequest) (*pb.GetServerInfoResponse, error) {
	return answer(ctx, c.server, req, (*service).GetServerInfo)
}

// StreamCompare scores frames and pairs as they come, by the model that the
// stream opened with until it ends.
func (c *calls) StreamCompare(stream compareStream) error {
	s := &service{Server: c.server}
	defer s.end()
	return s.StreamCompare(stream)
}
