//go:build !linux

package footprint

func unmap() {}
