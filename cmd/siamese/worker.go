package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/tfmodel"
)

type workerCommand struct {
	Cluster  []string `help:"Lists the addresses of all workers, the same list for each of them and for siamese train --cluster." required:"" placeholder:"HOST:PORT"`
	Number   int      `help:"Says which of them this one is, from 0. It listens on that address' port, on all interfaces." required:""`
	Insecure bool     `help:"Allows addresses beyond loopback. Anyone who reaches the port can run anything in this process, and nothing is encrypted."`
}

// Run works for trainers until ctx is done.
func (c *workerCommand) Run(ctx context.Context, s cli.Streams) error {
	cli.OutliveReaders()
	config := tfmodel.WorkerConfig{Cluster: c.Cluster, Number: c.Number}
	if err := config.Validate(); err != nil {
		return cli.Usage(err)
	}
	if !c.Insecure && slices.ContainsFunc(c.Cluster, func(address string) bool { return !dial.IsLoopback(address) }) {
		return cli.Usage(errors.New("worker: TensorFlow's protocol has no authentication and no encryption; --insecure says that the network is trusted"))
	}
	if err := tfmodel.StartWorker(config); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(s.Err, nil))
	logger.Info("worker ready", "number", c.Number, "address", c.Cluster[c.Number], "workers", len(c.Cluster))
	<-ctx.Done()
	logger.Info("worker stopped", "number", c.Number)
	return nil
}
