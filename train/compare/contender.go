package compare

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/train"
)

// contender is an optimizer in a comparison.
type contender struct {
	index int
	label string // as it was named, with its fixed settings
	dtype string // precision of its runs; "" is the study's
	opt   string // label without the precision
	entry *registry.Entry
	fixed registry.Settings
	space []Dimension
}

func newContenders(s *Study) ([]*contender, error) {
	var overrides []*override
	for _, text := range s.Tune {
		o, err := parseOverride(text)
		if err != nil {
			return nil, err
		}
		overrides = append(overrides, o)
	}
	var list []*contender
	var entries []*registry.Entry
	for i, text := range s.Optimizers {
		label := strings.Join(strings.Fields(text), "")
		if slices.ContainsFunc(list, func(c *contender) bool { return c.label == label }) {
			return nil, usage("--opts: %s is named twice; give one of them another setting, as in --opt '%s,…'", label, label)
		}
		opt, dtype, err := cutDType(label)
		if err != nil {
			return nil, err
		}
		e, fixed, err := registry.Parse(opt)
		if err != nil {
			return nil, usage("--opts: %w", err)
		}
		if s.Protocol == "paper" {
			overrides = append(overrides, paperSettings(e, fixed)...)
		}
		if _, _, err := e.New(fixed); err != nil {
			return nil, usage("--opts: %w", err)
		}
		c := &contender{index: i, label: label, dtype: dtype, opt: opt, entry: e, fixed: fixed}
		if c.space, err = newSpace(e, fixed, s.TuneOnly, overrides); err != nil {
			return nil, err
		}
		list, entries = append(list, c), append(entries, e)
	}
	return list, unknownTuned(entries, s.TuneOnly, overrides)
}

// cutDType takes dtype=…, which is a setting of the run and not of the optimizer, out of an optimizer's text.
func cutDType(text string) (opt, dtype string, err error) {
	var kept []string
	for i, part := range strings.Split(text, ",") {
		value, found := strings.CutPrefix(part, "dtype=")
		switch {
		case i == 0 || !found:
			kept = append(kept, part)
		case dtype != "":
			return "", "", usage("--opt %q: dtype is given twice", text)
		case !slices.Contains(train.Precisions(), value):
			return "", "", usage("--opt %q: dtype is one of %s", text, strings.Join(train.Precisions(), ", "))
		default:
			dtype = value
		}
	}
	return strings.Join(kept, ","), dtype, nil
}

// paperSettings are what the experiments of arXiv 2402.03496 hold fixed: matrices are updated every second step, and the
// damping stays below 5e-4, as a larger one makes a root-free method SGD.
func paperSettings(e *registry.Entry, fixed registry.Settings) []*override {
	if h := e.Hyper("interval"); h != nil && fixed[h.Name] == nil && h.Kind != registry.Boolean {
		fixed[h.Name] = "2"
	}
	const most = 5e-4
	if h := e.Hyper("damping"); h != nil && h.Search.Hi > most && fixed[h.Name] == nil {
		return []*override{{optimizer: e.Name, name: h.Name, lo: h.Search.Lo, hi: most, used: true}}
	}
	return nil
}

// stream is the random stream of a trial; it does not depend on which other optimizers take part, nor on the
// precision.
func (c *contender) stream(seed uint64, stage string, index int) *data.Rand {
	h := fnv.New64a()
	h.Write([]byte(c.opt + "\x00" + stage))
	return data.NewRand(seed, h.Sum64(), uint64(index))
}

// defaults is the point of the optimizer's own settings.
func (c *contender) defaults() []Drawn {
	var point []Drawn
	for _, d := range c.space {
		point = append(point, Drawn{d.Name, d.Default})
	}
	return point
}

// sample draws the settings of a trial. Settings that the optimizer refuses together are drawn again.
func (c *contender) sample(space []Dimension, r *data.Rand) ([]Drawn, error) {
	var err error
	for range 100 {
		point := draw(space, r)
		if _, _, err = c.entry.New(c.settings(point)); err == nil {
			return point, nil
		}
	}
	return nil, usage("--tune: 100 drawn settings in a row were refused, the last one because: %w", err)
}

func (c *contender) settings(point []Drawn) registry.Settings {
	s := registry.Settings{}
	for name, value := range c.fixed {
		s[name] = value
	}
	for _, d := range point {
		s[d.Name] = d.Value
	}
	return s
}

// option is the optimizer with its settings as --opt takes it.
func (c *contender) option(point []Drawn) string {
	text := c.entry.Name
	if c.entry.Origin != "" {
		text, _, _ = strings.Cut(c.opt, ",")
	}
	for i := range c.entry.Hypers {
		h := &c.entry.Hypers[i]
		if v, set := c.fixed[h.Name]; set {
			text += fmt.Sprintf(",%s=%v", h.Name, v)
		}
		for _, d := range point {
			if d.Name == h.Name {
				text += fmt.Sprintf(",%s=%v", d.Name, d.Value)
			}
		}
	}
	return text
}
