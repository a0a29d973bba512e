package doctest

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

// documented are the ports that documents name. Other programs may have them, and other
// documents run at the same time.
var documented = regexp.MustCompile(`\b(50051|50052|8080|8443|8500|8501|9090)\b`)

// ports maps documented ports to free ones, and back.
type ports map[string]string

// freePorts returns a free port for each documented one.
func freePorts() (ports, error) {
	free := ports{}
	for _, port := range []string{"50051", "50052", "8080", "8443", "8500", "8501", "9090"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // is there at once
		if err != nil {
			return nil, err
		}
		defer listener.Close() //nolint:errcheck // closed after all are chosen, so that they differ
		free[port] = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	}
	return free, nil
}

// replace puts free ports in place of documented ones.
func (p ports) replace(text string) string {
	return documented.ReplaceAllStringFunc(text, func(port string) string { return p[port] })
}

// restore puts documented ports back in place of free ones.
func (p ports) restore(text string) string {
	for port, free := range p {
		text = strings.ReplaceAll(text, ":"+free, ":"+port)
	}
	return text
}
