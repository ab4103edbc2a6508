// Package clamavtest is a small ClamAV daemon for tests: it speaks PING and
// INSTREAM, and knows one virus.
package clamavtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// Virus is what it finds.
const Virus = "ceci est un virus de test"

// Most is how many bytes it takes.
const Most = 1 << 20

// Start listens on loopback until the test ends and returns the address.
func Start(t testing.TB) string {
	t.Helper()
	return listen(t, func() {})
}

// StartSlow does so, and answers what it is sent only when it is told to, once for
// each.
func StartSlow(t testing.TB) (address string, answer func()) {
	t.Helper()
	turn := make(chan struct{}, 1)
	return listen(t, func() {
		select {
		case <-turn:
		case <-t.Context().Done():
		}
	}), func() { turn <- struct{}{} }
}

func listen(t testing.TB, wait func()) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // the test is over
			}
			go serve(conn, wait)
		}
	}()
	return ln.Addr().String()
}

func serve(conn net.Conn, wait func()) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	command, err := r.ReadString(0)
	switch {
	case err != nil:
	case command == "zPING\x00":
		_, _ = io.WriteString(conn, "PONG\x00")
	case command == "zINSTREAM\x00":
		said := examine(r)
		wait()
		_, _ = io.WriteString(conn, said+"\x00")
	}
}

func examine(r io.Reader) string {
	var all bytes.Buffer
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			return "stream: broken ERROR"
		}
		if n == 0 {
			break
		}
		if all.Len()+int(n) > Most {
			return "INSTREAM size limit exceeded. ERROR"
		}
		if _, err := io.CopyN(&all, r, int64(n)); err != nil {
			return "stream: broken ERROR"
		}
	}
	if bytes.Contains(all.Bytes(), []byte(Virus)) {
		return "stream: Test.Virus FOUND"
	}
	return "stream: OK"
}
