package mappings

import (
	_ "embed"
	"strings"
)

//go:embed builtin/free_mail.txt
var freeMail string

//go:embed builtin/boilerplate.txt
var boilerplate string

// BuiltInList is a list of values that comes with handoffd: "free_mail", the
// commonest domains at which anybody may have a mailbox, and "boilerplate",
// phrases that fill a note and say nothing (2.8).
func BuiltInList(name string) ([]string, bool) {
	switch name {
	case "free_mail":
		return strings.Fields(freeMail), true
	case "boilerplate":
		return strings.Split(strings.TrimSpace(boilerplate), "\n"), true
	}
	return nil, false
}

func builtInNames() []string { return []string{"boilerplate", "free_mail"} }
