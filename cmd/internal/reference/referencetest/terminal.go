package referencetest

import "syscall"

// terminal makes a process the owner of the terminal that is its standard input, so
// that a shell is interactive there.
func terminal() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true, Setctty: true} }
