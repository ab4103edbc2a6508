package secret

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"marelle/internal/platform/cpu"
	"marelle/internal/platform/errs"
)

// Argon2id parameters: OWASP's first choice, 19 MiB, 2 passes, 1 lane.
const (
	argonTime   = 2
	argonMemory = 19 * 1024 // KiB
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// Hasher hashes passwords a few at a time: each hash takes 19 MiB and some
// 40 ms of a core, so the number at work is bounded, and so is the queue, lest
// a rush at sign-in take the memory and the pages down with it.
type Hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	done    atomic.Int64
	dummy   string
}

// Done counts the hashes and verifications carried out, known account or not.
func (h *Hasher) Done() int64 { return h.done.Load() }

// NewHasher allows parallel hashes at once and queue callers waiting. Zero
// means the defaults: all cores but one (at least one), so that pages are still
// served, and a wait of some three seconds (64 callers a slot).
func NewHasher(parallel, queue int) *Hasher {
	if parallel <= 0 {
		parallel = max(1, cpu.Cores()-1)
	}
	if queue <= 0 {
		queue = 64 * parallel
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	// Nobody's hash: no password is known to give these bytes.
	key := make([]byte, argonKey)
	rand.Read(key)
	return &Hasher{slots: make(chan struct{}, parallel), queue: int64(queue), dummy: encode(salt, key)}
}

// Room is how many callers it keeps at once, at work or waiting.
func (h *Hasher) Room() int { return cap(h.slots) + int(h.queue) }

// Full refuses, as Hash and Verify would, when no more can wait: to be asked
// before anything is written for a caller who will be sent away.
func (h *Hasher) Full() error {
	if h.waiting.Load() < h.queue {
		return nil
	}
	return busy()
}

func busy() error {
	e := errs.New(errs.Unavailable, "secret.busy")
	e.Retry = 5 * time.Second
	return e
}

func (h *Hasher) acquire(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return busy()
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hash returns the password's hash as a PHC string, with a fresh salt. Errors:
// Unavailable (with Retry) when too many wait, or the context's.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	defer h.done.Add(1)
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	return encode(salt, argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)), nil
}

// Verify says whether the password gives the hash, comparing in constant time.
// An empty hash stands for an unknown account or one without a password: the
// answer is no, after the same work, so that time tells nothing.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	p, err := decode(hash)
	if err != nil {
		return false, err
	}
	if err := h.acquire(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	defer h.done.Add(1)
	got := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(got, p.key) == 1 && known, nil
}

// NeedsRehash says whether a hash was made with other parameters than today's;
// it is made anew at the next successful sign-in.
func NeedsRehash(hash string) bool {
	p, err := decode(hash)
	return err != nil || p.time != argonTime || p.memory != argonMemory || p.lanes != argonLanes || len(p.key) != argonKey
}

type params struct {
	time, memory uint32
	lanes        uint8
	salt, key    []byte
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64(salt), b64(key))
}

func decode(s string) (p params, err error) {
	part := strings.Split(s, "$")
	var version int
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return p, fmt.Errorf("password hash: not an argon2id PHC string")
	}
	if _, err := fmt.Sscanf(part[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, fmt.Errorf("password hash: unknown version %q", part[2])
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return p, fmt.Errorf("password hash: parameters: %w", err)
	}
	// Bounds, so that a row imported from elsewhere cannot take all the memory.
	if p.memory < 8 || p.memory > 256*1024 || p.time < 1 || p.time > 16 || p.lanes < 1 || p.lanes > 16 {
		return p, fmt.Errorf("password hash: parameters out of bounds: %q", part[3])
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(part[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return p, fmt.Errorf("password hash: bad salt")
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(part[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return p, fmt.Errorf("password hash: bad key")
	}
	return p, nil
}
