package server

import "sync"

// State is where a server is in its life, as a supervisor of processes has to know it.
type State int

// The states of a server. Before the first there is none: it starts.
const (
	// Serving says that calls are answered: health says SERVING.
	Serving State = iota + 1
	// Failing says that the default model, of Auto the one that is tried first, does
	// not answer any more: health says NOT_SERVING.
	Failing
	// Draining says that the server has been told to stop. It is the last one.
	Draining
)

// announcement is what has to be there before the log says that the server serves,
// and what its supervisor was told.
type announcement struct {
	mu       sync.Mutex // guards all below
	address  string     // where calls come in; empty before Serve
	hasModel bool       // the default one, once
	serving  bool       // what health says
	draining bool
	told     State // 0: nothing yet
}

// announce notes something that is there. Once calls are answered it logs so, and it
// tells the supervisor what is new.
func (s *Server) announce(note func(*announcement)) {
	a := &s.announced
	a.mu.Lock()
	defer a.mu.Unlock()
	note(a)
	if a.told == 0 && a.hasModel && a.address != "" && !a.draining {
		s.log.Info("serving", "address", a.address)
	}
	if state := a.state(); state != a.told {
		a.told = state
		if s.cfg.Supervisor != nil {
			s.cfg.Supervisor(state)
		}
	}
}

// state is where the server is; 0 while it starts.
func (a *announcement) state() State {
	switch {
	case a.draining:
		return Draining
	case !a.hasModel || a.address == "":
		return 0
	case a.serving:
		return Serving
	}
	return Failing
}
