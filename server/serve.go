package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"

	"siamese/server/access"
	"siamese/server/internal/conns"
)

// Serve answers calls that come in at lis until ctx is done, and then stops:
//
//  1. health says NOT_SERVING, all else goes on for Config.DrainDelay;
//  2. streams are told (Draining), new streams are refused; requests over HTTP
//     are turned away and, when those under way have ended, new connections and
//     calls over gRPC too; calls and streams under way go on;
//  3. after Config.StreamGrace streams are read no more and ended with
//     UNAVAILABLE, DRAINING, once what is under way is answered;
//  4. what has not ended within Config.StopTimeout, counted from step 2, is cut
//     off.
//
// It returns nil when all calls ended by themselves, [ErrStopTimeout] when some
// were cut off, the listener's error when that failed. When it returns, no
// handler and no run of the model is under way: the caller can close the model.
// A run of the model can't be interrupted, so that one is waited for. Serve
// closes lis and the server; it can be called once ([ErrServed]).
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	if !s.served.CompareAndSwap(false, true) {
		return ErrServed
	}
	defer s.Close()
	defer s.work.Wait()
	defer s.streams.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.grpc.Serve(s.limitConnections(lis)) }()
	s.web.Start(cancel)
	s.work.Go(func() { s.memory.Watch(ctx) })
	s.work.Go(func() { s.registry.Watch(ctx, s.cfg.WatchdogPeriod, s.cfg.WatchdogTimeout) })
	s.announce(func(a *announcement) { a.address = addressOf(lis.Addr()) })

	select {
	case err := <-stopped:
		cancel()
		s.health.Shutdown()
		close(s.draining)
		close(s.graceOver)
		s.grpc.Stop()
		return errors.Join(fmt.Errorf("server: serve %s: %w", lis.Addr(), err), s.web.Stop(ctx))
	case <-ctx.Done():
	}
	s.announce(func(a *announcement) { a.draining = true })
	s.log.Info("draining", "delay", s.cfg.DrainDelay, "stream_grace", s.cfg.StreamGrace, "stop_timeout", s.cfg.StopTimeout)
	err := s.drain()
	// A server that is stopped before it has begun says so; that is no failure.
	if ended := <-stopped; !errors.Is(ended, grpc.ErrServerStopped) {
		err = errors.Join(err, ended)
	}
	s.log.Info("stopped", "clean", err == nil)
	return err
}

// addressOf is a port's address as clients write it.
func addressOf(address net.Addr) string {
	if address.Network() == "unix" {
		return "unix:" + address.String()
	}
	return address.String()
}

// limitConnections returns lis with the connections that it may have.
func (s *Server) limitConnections(lis net.Listener) net.Listener {
	return conns.Limit(lis, access.NewPlaces(s.cfg.MaxConnections, s.cfg.MaxConnectionsOfAddress))
}

// drain is the steps of Serve's stop.
func (s *Server) drain() error {
	s.health.Shutdown()
	<-time.After(s.cfg.DrainDelay)

	close(s.draining)
	s.galleries.Drain()
	grace := time.AfterFunc(s.cfg.StreamGrace, func() { close(s.graceOver) })
	defer grace.Stop()
	cut := make(chan struct{})
	timeout := time.AfterFunc(s.cfg.StopTimeout, func() {
		s.grpc.Stop()
		close(cut)
	})
	patience, cancel := context.WithTimeout(context.Background(), s.cfg.StopTimeout)
	defer cancel()
	// HTTP first: gRPC's graceful stop cuts its requests off at once.
	err := s.web.Stop(patience)
	s.grpc.GracefulStop()
	if timeout.Stop() {
		return err
	}
	<-cut
	return errors.Join(err, ErrStopTimeout)
}
