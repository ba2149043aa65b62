package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// target is a score to reach; the zero target is auto.
type target struct {
	accuracy bool
	value    float64
}

func parseTarget(text string) (target, error) {
	if text == "auto" || text == "" {
		return target{}, nil
	}
	bad := usage("--target %q: it is auto, or like top1>=0.98 or loss<=0.1", text)
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return target{}, bad
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	switch name = strings.TrimSpace(name); {
	case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
		return target{}, bad
	case name == "top1>" && x > 0 && x <= 1:
		return target{true, x}, nil
	case name == "loss<" && x > 0:
		return target{false, x}, nil
	}
	return target{}, bad
}

func (t target) String() string {
	if t.accuracy {
		return fmt.Sprintf("top1>=%.5g", t.value)
	}
	return fmt.Sprintf("loss<=%.5g", t.value)
}

// words is the target for people.
func (t target) words() string {
	if t.accuracy {
		return "accuracy " + percent(t.value)
	}
	return "loss " + short(t.value)
}

// reached is the first score of a trial that meets the target.
func (t target) reached(trial *Trial) (Point, bool) {
	for _, p := range trial.Scores {
		if t.accuracy && float64(p.Top1) >= t.value || !t.accuracy && float64(p.Loss) <= t.value {
			return p, true
		}
	}
	return Point{}, false
}
