package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"siamese/cmd/internal/cli"
	"siamese/server"
	"siamese/web"
)

// listen opens the port of gRPC, which it returns, and that of HTTP, which it
// hands to service.
func (c *Command) listen(ctx context.Context, service *server.Server, logger *slog.Logger) (net.Listener, error) {
	listener, err := listen(ctx, "--addr", c.Addr)
	if err != nil {
		return nil, err
	}
	err = c.checkPort("--addr", listener.Addr())
	if err == nil && c.HTTPAddr != "" {
		err = c.listenHTTP(ctx, service, logger)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

func (c *Command) listenHTTP(ctx context.Context, service *server.Server, logger *slog.Logger) error {
	listener, err := listen(ctx, "--http-addr", c.HTTPAddr)
	if errors.Is(err, errTaken) {
		err = fmt.Errorf("%w, or \"\" for no page", err)
	}
	if err != nil {
		return err
	}
	if err := c.checkPort("--http-addr", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := service.AddHTTP(listener, server.HTTPConfig{Page: web.Handler(), Origins: c.origins(), Hosts: c.HTTPHost}); err != nil {
		return cli.Usage(errors.Join(err, listener.Close()))
	}
	logger.Info("page", "url", c.pageURL(listener.Addr()))
	return nil
}

func (c *Command) origins() []string {
	var origins []string
	for _, origin := range c.CORSOrigin {
		origins = append(origins, string(origin))
	}
	return origins
}

// pageURL is where a browser on this machine finds the page: browsers take an
// unspecified address for none of theirs and give the camera to localhost.
func (c *Command) pageURL(address net.Addr) string {
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	if address.Network() == "unix" {
		return addressOf(address)
	}
	tcp, ok := address.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://localhost:%d/", scheme, tcp.Port)
	}
	return fmt.Sprintf("%s://%s/", scheme, address)
}
