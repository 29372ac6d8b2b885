package connectors

import "context"

// Healer is a Finder that can mend what a CRM without a unique field for our
// key has let happen: two tasks of one key, because a create was done long
// after its caller had given it up and sent it again.
type Healer interface {
	// Copies returns, for each create in order, every live object that carries
	// its key, oldest first. Like Find it reads by key or by association.
	Copies(ctx context.Context, writes []Write) ([][]Copy, error)
	// Remove takes tasks away, into the CRM's recycle bin where it has one.
	// One that is gone already is no error.
	Remove(ctx context.Context, tasks []Ref) error
}

// Copy is one object that a create has made.
type Copy struct {
	Ref     Ref
	Touched bool // it is not as it was made: somebody has begun to work with it
}
