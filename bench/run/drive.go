package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
)

// What lies in the folder that is listed, how large the files are that come and
// go, and how many of them.
const (
	driveListed = 200
	driveBytes  = 1 << 20
	driveFiles  = 64
)

// opened gives somebody an application password, and room for what a measurement
// leaves there.
func opened(ctx context.Context, tx *db.Tx, person string) (authorization string, err error) {
	key, now := secret.NewKey(), time.Now().UnixMilli()
	if _, err := tx.Exec(ctx, `INSERT INTO app_password (id, person, name, created_at, expires_at) VALUES ($1, $2, 'Banc', $3, $4)`, secret.Hash(key), person, now, now+86400000); err != nil {
		return "", err
	}
	if err := file.SetQuota(ctx, tx, rights.System("bench"), "", rights.Teacher, 1<<40); err != nil {
		return "", err
	}
	login, err := db.Value[string](ctx, tx, `SELECT login FROM person WHERE id = $1`, person)
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+secret.FormatKey(key))), err
}

// drive asks for a folder of 200 files, a file of 1 MB, and puts one, beside the
// library that speaks the protocol, alone on a folder of the disk.
func (s *suite) drive(context.Context) error {
	folder := filepath.Join(s.dir, "drive")
	if err := os.MkdirAll(filepath.Join(folder, "dav", "Mes documents"), 0o750); err != nil {
		return err
	}
	bare, err := floorChild(s.floor, nil, "-drive", folder)
	if err != nil {
		return err
	}
	defer bare.stop()
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	whole := make([]byte, driveBytes)
	rand.NewChaCha8([32]byte{}).Read(whole)
	ask := func(of *child, method, path string, body []byte, extra ...string) []byte {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s /dav/Mes%%20documents/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n", method, path, of.addr, s.school.drive, len(body))
		for _, h := range extra {
			b.WriteString(h + "\r\n")
		}
		b.WriteString("\r\n")
		return append(b.Bytes(), body...)
	}
	for _, of := range []*child{bare, c} {
		conn, err := dial(of.addr)
		if err != nil {
			return err
		}
		defer conn.conn.Close()
		give := func(method, path string, body []byte) error {
			status, said, err := conn.ask(ask(of, method, path, body))
			if err == nil && status != http.StatusCreated {
				err = fmt.Errorf("%s %s: %d %.200s", method, path, status, said)
			}
			return err
		}
		if err := give("MKCOL", "Liste", nil); err != nil {
			return err
		}
		for n := range driveListed {
			if err := give(http.MethodPut, fmt.Sprintf("Liste/%d.txt", n), fmt.Appendf(nil, "Fichier %d", n)); err != nil {
				return err
			}
		}
		for n := range driveFiles {
			whole[len(whole)-1] = byte(n)
			if err := give(http.MethodPut, fmt.Sprintf("%d.bin", n), whole); err != nil {
				return err
			}
		}
	}
	for _, m := range []struct {
		title  string
		status [2]int // of the bare one, of the product
		raw    func(of *child, n int) []byte
	}{
		{"PROPFIND of a folder of 200 files", [2]int{http.StatusMultiStatus, http.StatusMultiStatus}, func(of *child, _ int) []byte { return ask(of, "PROPFIND", "Liste", nil, "Depth: 1") }},
		{"GET of 1 MB", [2]int{http.StatusOK, http.StatusOK}, func(of *child, n int) []byte { return ask(of, http.MethodGet, fmt.Sprintf("%d.bin", n), nil) }},
		{"PUT of 1 MB in the place of another", [2]int{http.StatusCreated, http.StatusNoContent}, func(of *child, n int) []byte { return ask(of, http.MethodPut, fmt.Sprintf("%d.bin", n), whole) }},
	} {
		var targets []*target
		for n, of := range []*child{bare, c} {
			t := s.target([]string{"floor: the protocol alone, on a folder", "**Marelle**"}[n], of, m.status[n])
			for n := range driveFiles {
				t.requests = append(t.requests, m.raw(of, n))
			}
			t.stamped = bytes.HasPrefix(t.requests[0], []byte(http.MethodPut))
			targets = append(targets, t)
		}
		if err := alternate(targets, s.rounds, s.length, s.connections, 0); err != nil {
			return fmt.Errorf("%s: %w", m.title, err)
		}
		fmt.Fprintf(s.out, "\n### A drive: %s\n\n", m.title)
		table(s.out, targets)
	}
	return nil
}
