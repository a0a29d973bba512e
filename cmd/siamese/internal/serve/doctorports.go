package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"siamese/cmd/internal/doctor"
)

// port is a port that the server opens, by its flag; one with an empty address stays
// closed.
type port struct{ flag, address string }

// ports are those of the server.
func (f Flags) ports() []port {
	return []port{{"--addr", f.Addr}, {"--http-addr", f.HTTPAddr}, {"--health-addr", f.HealthAddr}, {"--admin-addr", f.AdminAddr}}
}

// held are the ports that are open, by their flags.
type held map[string]net.Listener

// checkPorts opens all ports for a moment, as the server does.
func (c *Command) checkPorts(ctx context.Context) []doctor.Check {
	var checks []doctor.Check
	open := make(held)
	for _, port := range c.ports() {
		if port.address != "" {
			checks = append(checks, c.tryPort(ctx, port, open))
		}
	}
	for _, listener := range open {
		_ = listener.Close() // nobody has come in
	}
	return checks
}

// tryPort opens a port and puts it among those that are open.
func (c *Command) tryPort(ctx context.Context, port port, open held) doctor.Check {
	name := "port " + strings.TrimPrefix(port.flag, "--")
	var listener net.Listener
	var err error
	if port.flag == "--admin-addr" {
		listener, err = c.listenAdmin(ctx)
	} else {
		listener, err = listen(ctx, port.flag, port.address)
	}
	switch {
	case errors.Is(err, errTaken):
		return taken(ctx, name, port, open)
	case err != nil:
		return doctor.Fail(name, err.Error(), fmt.Sprintf("siamese serve %s 127.0.0.1:0 takes any free port", port.flag))
	}
	open[port.flag] = listener
	if port.flag == "--addr" || port.flag == "--http-addr" {
		if err := c.checkPort(port.flag, listener.Addr()); err != nil {
			return doctor.Fail(name, err.Error(), fmt.Sprintf("siamese serve %s … --tls-cert FILE --tls-key FILE (scripts/make-certificates.sh makes some to try)", port.flag))
		}
	}
	return doctor.Fine(name, "%s is free", port.address)
}

// taken says who has a port. Another siamese may well be the server that was meant.
func taken(ctx context.Context, name string, port port, open held) doctor.Check {
	host, text, err := net.SplitHostPort(port.address)
	number, convertErr := strconv.Atoi(text)
	if err != nil || convertErr != nil {
		return doctor.Fail(name, port.address+" is taken", "give another address")
	}
	for flag, listener := range open {
		if at, ok := listener.Addr().(*net.TCPAddr); ok && at.Port == number {
			return doctor.Fail(name, port.address+" is the port of "+flag, "give each its own, such as "+port.flag+" "+net.JoinHostPort(host, strconv.Itoa(nextFree(ctx, host, number))))
		}
	}
	owner := doctor.Owner(number)
	if owner == "" {
		owner = "a process that can't be seen from here"
	}
	found := fmt.Sprintf("%s is taken by %s", port.address, owner)
	mend := fmt.Sprintf("stop it, or siamese serve %s %s", port.flag, net.JoinHostPort(host, strconv.Itoa(nextFree(ctx, host, number))))
	if strings.HasPrefix(owner, "siamese ") {
		return doctor.Warn(name, found+": the server runs already?", mend)
	}
	return doctor.Fail(name, found, mend)
}

// nextFree is the first free port above a number; 0, which means any, where none of the
// next is.
func nextFree(ctx context.Context, host string, number int) int {
	const far = 100
	for next := number + 1; next <= min(number+far, 65535); next++ {
		listener, err := listen(ctx, "", net.JoinHostPort(host, strconv.Itoa(next)))
		if err == nil {
			_ = listener.Close()
			return next
		}
	}
	return 0
}
