package connectors

import (
	"errors"
	"fmt"
	"time"
)

// Class says what to do about an error. Adapters are the only ones who read
// status codes and messages; everybody else switches on the class.
type Class uint8

// The classes. The zero value is Unknown.
const (
	Unknown     Class = iota
	Throttled         // too many calls: wait RetryAfter, it does not count as an attempt
	Unavailable       // the CRM or the way to it is down, nothing was applied: try again later
	AuthBroken        // credentials no longer work: stop, tell the operator
	Denied            // credentials work but may not do this: tell the admin
	Invalid           // the CRM refuses the content: park with its words
	NotFound          // the record is gone
	Conflict          // the record is newer than we thought, or the thing exists already (Existing)
	CursorGone        // the place we stopped reading at is no longer there: start the window again
	Schema            // a field or kind is not what we thought: describe again
	Ambiguous         // the write may or may not have been applied: find out before trying again
)

var classNames = [...]string{
	"unknown", "throttled", "unavailable", "auth_broken", "denied", "invalid",
	"not_found", "conflict", "cursor_gone", "schema", "ambiguous",
}

// String is the class as a metric label.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Error is how every adapter fails.
type Error struct {
	Class      Class
	Op         string        // what was being done: "read contacts"
	Status     int           // HTTP status; 0: none came
	RetryAfter time.Duration // 0: the CRM did not say
	Existing   Ref           // with Conflict: the object that already holds the unique value
	Alike      bool          // the CRM's own rules take it for a duplicate of what is there; no unique value says so
	Fields     []string      // fields the CRM named
	Err        error         // the CRM's words, bounded in length, without personal data where that can be told
}

func (e *Error) Error() string {
	msg := e.Op + ": " + e.Class.String()
	if e.Status != 0 {
		msg += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return msg
}

func (e *Error) Unwrap() error { return e.Err }

// ErrTooLate is why a write did not leave: [Write.NotAfter] had passed.
var ErrTooLate = errors.New("what it rests on was read too long ago; it was not sent")

// ClassOf is the class of an error, Unknown for one no adapter made.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Unknown
}

// AsError is err as a classed error: itself, or wrapped with class Unknown.
func AsError(op string, err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: Unknown, Op: op, Err: err}
}
