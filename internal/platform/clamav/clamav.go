// Package clamav has files examined by a ClamAV daemon, over its INSTREAM
// command: the bytes are sent to it, whatever machine it is on. It knows neither
// whose they are nor what becomes of them.
package clamav

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Client asks one daemon.
type Client struct{ network, address string }

// Parse reads the address of a daemon: host:port, or unix:/path of its socket.
func Parse(s string) (*Client, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok && strings.HasPrefix(path, "/") {
		return &Client{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(s)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil || host == "" {
		return nil, fmt.Errorf("clamav: %q is neither host:port nor unix:/path", s)
	}
	return &Client{"tcp", s}, nil
}

// FoundError says that the daemon knows the bytes, and by which name.
type FoundError struct{ Name string }

func (e FoundError) Error() string { return "clamav: found " + e.Name }

// answerTime is how long the daemon may be silent: it answers once it has all.
const answerTime = 2 * time.Minute

// Scan has bytes examined: nil when nothing was found, a FoundError, or what
// kept the daemon from saying.
func (c *Client) Scan(ctx context.Context, r io.Reader) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // nothing was promised
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	answer, err := instream(conn, r)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("clamav: %w", err)
	}
	name, found := strings.CutSuffix(strings.TrimPrefix(answer, "stream: "), " FOUND")
	switch {
	case found:
		return FoundError{name}
	case answer == "stream: OK":
		return nil
	}
	return fmt.Errorf("clamav: %.200s", answer)
}

// Ping asks whether the daemon is there.
func (c *Client) Ping(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // nothing was promised
	if _, err := io.WriteString(conn, "zPING\x00"); err != nil {
		return fmt.Errorf("clamav: %w", err)
	}
	answer, err := read(conn)
	if err == nil && answer != "PONG" {
		err = fmt.Errorf("clamav: %.200s", answer)
	}
	return err
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	conn, err := d.DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, fmt.Errorf("clamav: %w", err)
	}
	return &patient{conn}, nil
}

// patient gives each read and each write the same time.
type patient struct{ net.Conn }

func (p *patient) Read(b []byte) (int, error) {
	return within(p.SetReadDeadline, p.Conn.Read, b)
}

func (p *patient) Write(b []byte) (int, error) {
	return within(p.SetWriteDeadline, p.Conn.Write, b)
}

func within(deadline func(time.Time) error, do func([]byte) (int, error), b []byte) (int, error) {
	if err := deadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	return do(b)
}

func instream(conn net.Conn, r io.Reader) (string, error) {
	if _, err := io.WriteString(conn, "zINSTREAM\x00"); err != nil {
		return "", err
	}
	buf := make([]byte, 4+64<<10)
	for {
		n, err := io.ReadFull(r, buf[4:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return "", err
		}
		binary.BigEndian.PutUint32(buf, uint32(n)) // a piece of 0 bytes is the end
		if _, werr := conn.Write(buf[:4+n]); werr != nil {
			// It closes the line on what is too long for it, after it said so.
			if answer, err := read(conn); err == nil && answer != "" {
				return answer, nil
			}
			return "", werr
		}
		if n == 0 {
			return read(conn)
		}
	}
}

func read(conn net.Conn) (string, error) {
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	if errors.Is(err, io.EOF) && answer == "" {
		return "", io.ErrUnexpectedEOF
	}
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(answer, "\x00\n"), nil
}
