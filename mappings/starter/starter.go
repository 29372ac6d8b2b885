// Package starter is the configuration folder to begin with, which `demo`
// runs: valid as it stands, with two connections and a handoff type for every transition.
package starter

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml mappings handoffs tests
var files embed.FS

// FS is the folder, to be read by mappings.Load or copied file by file.
func FS() fs.FS { return files }
