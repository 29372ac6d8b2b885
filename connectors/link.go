package connectors

// Linker is a connector that knows where a person sees a record in the CRM.
type Linker interface {
	// Link is the address of the page of a record, for people who are logged
	// in there; "" where the CRM has no such page, or the address is not known
	// yet. tenant is what [Describer.Tenant] answered, in this process or an
	// earlier one. It does no I/O.
	Link(ref Ref, tenant string) string
}
