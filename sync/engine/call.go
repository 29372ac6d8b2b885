package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/handoffd/handoffd/connectors"
)

// Safely makes a call to a connector. One that panics, on an answer nobody has
// thought of, has failed like any other and takes nothing else down (I10).
func Safely(op string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &connectors.Error{Class: connectors.Unknown, Op: op, Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	return call()
}

// mostCalls bounds what finding one poisonous record in a batch may cost:
// halving 200 eight times, both halves each time.
const mostCalls = 18

// read is one batch read. A batch that is refused for what is in it is read in
// halves, so that one record nobody can read does not hide the others; such a
// record is missing from what is returned. Where no half can be read it is not
// the record's fault, and the error is returned.
func read(ctx context.Context, c connectors.Connector, kind connectors.Kind, ids, fields []string, calls *int) (objects []connectors.Object, err error) {
	if *calls--; *calls < 0 {
		return nil, &connectors.Error{Class: connectors.Invalid, Op: "read", Err: errors.New("no part of the batch can be read")}
	}
	err = Safely("read", func() error {
		objects, err = c.Read(ctx, kind, ids, fields)
		return err
	})
	class := connectors.ClassOf(err)
	if err == nil || len(ids) == 1 || class != connectors.Invalid && class != connectors.NotFound && class != connectors.Unknown {
		return objects, err
	}
	half := len(ids) / 2
	left, leftErr := read(ctx, c, kind, ids[:half], fields, calls)
	right, rightErr := read(ctx, c, kind, ids[half:], fields, calls)
	if leftErr != nil && rightErr != nil {
		return nil, err
	}
	return append(left, right...), nil
}

// locate asks one connector, which answers every question.
func locate(ctx context.Context, c connectors.Connector, questions []connectors.Question, fields map[connectors.Kind][]string) (found [][]connectors.Object, err error) {
	locator, ok := c.(connectors.Locator)
	if !ok {
		return nil, &connectors.Error{Class: connectors.Denied, Op: "locate", Err: errors.New("this connector cannot look for a value")}
	}
	err = Safely("locate", func() error {
		found, err = locator.Locate(ctx, questions, fields)
		return err
	})
	if err == nil && len(found) != len(questions) {
		err = &connectors.Error{Class: connectors.Unknown, Op: "locate", Err: fmt.Errorf("%d of %d questions were answered", len(found), len(questions))}
	}
	return found, err
}
