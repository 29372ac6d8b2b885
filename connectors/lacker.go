package connectors

// Lacker is a connector that can say, without asking the CRM, which fields it
// is not shown. A field that is missing costs itself, never the poll; whoever
// runs the daemon wants to be told.
type Lacker interface {
	// Lacks returns those of the fields that the CRM does not have or hides
	// from us, in the order given; nil while the kind has not been described.
	Lacks(kind Kind, fields []string) []string
}
