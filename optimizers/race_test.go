//go:build race

package optimizers

// The race detector drops pooled memory at random.
func init() { raceEnabled = true }
