package webcam

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNoDisplay is a machine, or a session, without a screen for windows.
var ErrNoDisplay = errors.New("no display")

// displayTimeout is how long a display on another machine may take to answer.
const displayTimeout = 3 * time.Second

// x11BasePort is where the displays of another machine begin.
const x11BasePort = 6000

// CheckDisplay returns an error where no window can be opened, according to the
// environment variables that lookup gives: where nothing answers, OpenCV would
// abort the program. Errors wrap ErrNoDisplay.
func CheckDisplay(lookup func(name string) string) error {
	switch platform := lookup("QT_QPA_PLATFORM"); platform {
	case "offscreen", "minimal", "vnc", "linuxfb", "eglfs":
		return nil // they need no display server
	}
	if wayland := lookup("WAYLAND_DISPLAY"); wayland != "" {
		if !filepath.IsAbs(wayland) {
			wayland = filepath.Join(lookup("XDG_RUNTIME_DIR"), wayland)
		}
		if answers("unix", wayland) {
			return nil
		}
	}
	display := lookup("DISPLAY")
	if display == "" {
		return fmt.Errorf("%w: neither DISPLAY nor WAYLAND_DISPLAY leads to one; --headless needs none", ErrNoDisplay)
	}
	if !displayAnswers(display) {
		return fmt.Errorf("%w: nothing answers at DISPLAY %q; --headless needs none", ErrNoDisplay, display)
	}
	return nil
}

// displayAnswers tries an X display, host:number.screen.
func displayAnswers(display string) bool {
	colon := strings.LastIndex(display, ":")
	if colon < 0 {
		return false
	}
	host := display[:colon]
	digits, _, _ := strings.Cut(display[colon+1:], ".")
	number, err := strconv.Atoi(digits)
	if err != nil || number < 0 {
		return false
	}
	if host != "" && host != "unix" {
		return answers("tcp", net.JoinHostPort(host, strconv.Itoa(x11BasePort+number)))
	}
	socket := "/tmp/.X11-unix/X" + digits
	return answers("unix", socket) || answers("unix", "@"+socket)
}

func answers(network, address string) bool {
	connection, err := net.DialTimeout(network, address, displayTimeout)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}
