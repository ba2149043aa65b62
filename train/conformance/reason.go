package conformance

import (
	"regexp"
	"slices"
	"strings"
)

// what finds in messages the name of what is not supported.
var what = []struct {
	message *regexp.Regexp
	prefix  string
}{
	{regexp.MustCompile(`element type (\w+) is not supported`), "element type "},
	{regexp.MustCompile(`it is an? (sequence|map|sparse tensor);`), "a "},
	{regexp.MustCompile(`it is (optional|opaque);`), "values that are "},
	{regexp.MustCompile(`operator ([\w.:]+) is not supported`), "operator "},
}

// Reason is what an unsupported case needs, such as "element type string" or "operator ImageDecoder", without the names
// of the case; the whole message where it does not say so.
func (r Result) Reason() string {
	for _, w := range what {
		var names []string
		for _, m := range w.message.FindAllStringSubmatch(r.Why, -1) {
			names = append(names, m[1])
		}
		if len(names) > 0 {
			slices.Sort(names)
			return w.prefix + strings.Join(slices.Compact(names), ", ")
		}
	}
	return strings.ReplaceAll(r.Why, "\n", " ")
}
