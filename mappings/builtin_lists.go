package mappings

import (
	_ "embed"
	"strings"
)

//go:embed builtin/free_mail.txt
var freeMail string

// BuiltInList is a list of values that comes with handoffd: "free_mail", the
// commonest domains at which anybody may have a mailbox.
func BuiltInList(name string) ([]string, bool) {
	if name == "free_mail" {
		return strings.Fields(freeMail), true
	}
	return nil, false
}

func builtInNames() []string { return []string{"free_mail"} }
