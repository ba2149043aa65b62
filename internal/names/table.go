// Package names is the name table behind every registry: operators, kernels, optimizers, data formats, schedules.
package names

import (
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Table maps names to values by database/sql's rules: entries come from init functions, a wrong entry is a
// programming error and panics, and the table seals at the first Lookup so that a late import cannot change
// what a name means. Kind is the word used in messages, such as "optimizer".
type Table[T any] struct {
	Kind string

	mu     sync.RWMutex
	m      map[string]T
	sealed bool
}

// Register adds v under name. It panics when name is empty, taken, or the table has been read.
func (t *Table[T]) Register(name string, v T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch _, taken := t.m[name]; {
	case name == "":
		panic("names: " + t.Kind + " registered without a name")
	case taken:
		panic("names: " + t.Kind + " " + name + " registered twice")
	case t.sealed:
		panic("names: " + t.Kind + " " + name + " registered after the first lookup; register in init")
	}
	if t.m == nil {
		t.m = map[string]T{}
	}
	t.m[name] = v
}

// Lookup returns the entry called name. The error lists what there is and the nearest name.
func (t *Table[T]) Lookup(name string) (T, error) {
	t.mu.Lock()
	t.sealed = true
	v, ok := t.m[name]
	t.mu.Unlock()
	if ok {
		return v, nil
	}
	all := t.Names()
	msg := fmt.Sprintf("unknown %s %q", t.Kind, name)
	if near := Nearest(name, all); near != "" {
		msg += fmt.Sprintf("; did you mean %q?", near)
	}
	return v, fmt.Errorf("%s (there are: %s)", msg, strings.Join(all, " "))
}

// Names returns the registered names, sorted.
func (t *Table[T]) Names() []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]string, 0, len(t.m))
	for name := range t.m {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// Nearest returns the candidate with the smallest edit distance to name, or "" when none is close enough to
// be a likely misspelling.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is Levenshtein's edit distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			substitute := diagonal
			if a[i-1] != b[j-1] {
				substitute++
			}
			diagonal = row[j]
			row[j] = min(substitute, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
