//go:build race

package mappings

// raceEnabled: the race detector makes everything several times slower.
const raceEnabled = true
