//go:build !linux

package postgres

import "syscall"

// unprivileged has nothing to arrange: only on Linux do the tests run as root.
func unprivileged(string) (*syscall.SysProcAttr, error) { return &syscall.SysProcAttr{}, nil }
