//go:build !linux

package cpu

// lower does nothing: elsewhere a priority is the whole process's.
func lower() {}
