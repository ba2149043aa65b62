// Package conform checks that an optimizer keeps the contract of package registry, whoever wrote it.
package conform

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/registry"
)

// Check is one promise. Run returns how the optimizer breaks it.
type Check struct {
	Name string
	Run  func(e *registry.Entry) error
}

// Checks are all promises, the quick ones first.
var Checks = []Check{
	{"describes itself", describes},
	{"rejects bad settings", rejects},
	{"round-trips settings", roundTrips},
	{"keeps dtypes", keepsTypes},
	{"obeys the host's learning rate", obeys},
	{"skips parameters without gradient", skips},
	{"survives zero gradients", survivesZeros},
	{"has evaluation weights", evaluates},
	{"counts its cost", costs},
	{"resumes from slots", resumes},
	{"same bits for any threads", deterministic},
	{"converges", converges},
}

// Run runs all checks; errors begin with the name of the check. nil: the optimizer conforms.
func Run(e *registry.Entry) []error {
	var errs []error
	for _, c := range Checks {
		if err := c.Run(e); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errs
}
