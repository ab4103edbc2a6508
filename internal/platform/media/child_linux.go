package media

import (
	"os/exec"
	"syscall"
)

// together has a child end with this process, however that ends.
func together(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
