// Package errs holds the few kinds of failure a person can meet, and the
// sentence shown for each. It knows nothing of HTTP nor of any language: a
// Message is a key of platform/i18n with its arguments, shown by whoever faces
// the person.
package errs

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// Kind says what happened, as far as the person who asked may know it.
type Kind int

// The kinds. Internal is the zero value on purpose: an error that nobody
// classified shows no text of its own.
const (
	Internal        Kind = iota
	NotFound             // does not exist, or may not be known to exist
	Denied               // may be seen but not done
	Unauthenticated      // nobody is signed in
	Invalid              // a form with faults, all of them in Fields
	Conflict             // somebody else was faster, or the state forbids it
	TooLarge             // more bytes than the operator allows
	TooMany              // throttled; Retry says for how long
	Misdirected          // asked under a name that is not this server's
	Unavailable          // a part is missing or overloaded; try again
)

var names = [...]string{"internal", "not found", "denied", "unauthenticated", "invalid", "conflict", "too large", "too many", "misdirected", "unavailable"}

func (k Kind) String() string { return names[k] }

// Message is a sentence by its key, with the arguments it names.
type Message struct {
	Key  string
	Args map[string]any
}

// Msg makes a Message from alternating names and values.
func Msg(key string, pairs ...any) Message {
	m := Message{Key: key}
	for i := 0; i+1 < len(pairs); i += 2 {
		if m.Args == nil {
			m.Args = map[string]any{}
		}
		m.Args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}

// Fields maps the name of a form's field to what is wrong with it.
type Fields map[string]Message

// Add notes a fault; the first one noted for a field stands.
func (f Fields) Add(field, key string, pairs ...any) {
	if _, ok := f[field]; !ok {
		f[field] = Msg(key, pairs...)
	}
}

// Err returns nil when no fault was noted, else one Invalid error with all of them.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: Msg("error.invalid"), Fields: f}
}

// Error is an error with a kind. Cause goes to the log only.
type Error struct {
	Kind    Kind
	Message Message
	Fields  Fields
	Retry   time.Duration
	Cause   error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Message.Key != "" {
		b.WriteString(": " + e.Message.Key)
	}
	if len(e.Fields) > 0 {
		names := make([]string, 0, len(e.Fields))
		for n, m := range e.Fields {
			names = append(names, n+"="+m.Key)
		}
		sort.Strings(names)
		b.WriteString(" (" + strings.Join(names, ", ") + ")")
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind with the sentence to show.
func New(k Kind, key string, pairs ...any) *Error {
	return &Error{Kind: k, Message: Msg(key, pairs...)}
}

// Field makes an Invalid error about one field.
func Field(field, key string, pairs ...any) error {
	f := Fields{}
	f.Add(field, key, pairs...)
	return f.Err()
}

// Wrap gives a cause a kind and a sentence.
func Wrap(k Kind, cause error, key string, pairs ...any) *Error {
	e := New(k, key, pairs...)
	e.Cause = cause
	return e
}

// ErrNotFound is what every scoped read answers to a stranger.
var ErrNotFound = New(NotFound, "error.not_found")

// ErrDenied answers somebody who may see but not do.
var ErrDenied = New(Denied, "error.denied")

// KindOf finds the kind of an error; anything unclassified is Internal.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	return Internal
}

// As finds the classified error within err, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
