package train

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/schedule"
)

// Schedules is --schedule: that of the learning rate and those of other hyper-parameters, between semicolons or as several
// flags. Empty is constant, and cosine on built-in data.
type Schedules string

// UnmarshalText adds one flag's text.
func (s *Schedules) UnmarshalText(text []byte) error {
	if *s != "" {
		*s += ";"
	}
	*s += Schedules(text)
	return nil
}

// optimizer is the optimizer of a run with its groups and schedules. Its Slots hold all state of the run but the weights.
type optimizer struct {
	*registry.Stepper
	Entry  *registry.Entry
	Hypers registry.Hyperparameters // of parameters in no group
	lr, wd float64

	groups []*group // the first one is of parameters in no other
	of     []int    // of Params
	exempt []bool   // of Params, from weight decay

	total   int
	factor  schedule.Factor // of lr
	decay   schedule.Factor // of weight_decay, nil: constant
	others  []schedule.Named
	average *average // nil: none
}

func newOptimizer(c *Config, e *Engine, total int) (*optimizer, error) {
	o, err := resolveOptimizer(c, e, total)
	return o, fail(Usage, err)
}

func resolveOptimizer(c *Config, e *Engine, total int) (*optimizer, error) {
	entry, settings, err := registry.Parse(c.Opt)
	if err != nil {
		return nil, err
	}
	if c.LR != nil {
		settings["lr"] = *c.LR
	}
	if c.WeightDecay != nil {
		settings["weight_decay"] = *c.WeightDecay
	}
	o := &optimizer{Entry: entry, total: total}
	if o.groups, err = newGroups(entry, settings, c.Group); err != nil {
		return nil, err
	}
	if err := c.limit(o.groups[0].opt); err != nil {
		return nil, err
	}
	o.Hypers = o.groups[0].hypers
	o.lr, o.wd = o.Hypers.LR, o.Hypers.WeightDecay
	if o.of, err = assign(entry, o.groups, e.Params); err != nil {
		return nil, err
	}
	if err := o.schedules(c); err != nil {
		return nil, err
	}
	if o.Stepper, err = registry.NewStepper(mix(o.groups, o.of, e.Params), e.Params, nil); err != nil {
		return nil, err
	}
	if err := o.exemptRoles(c.NoDecay); err != nil {
		return nil, err
	}
	if err := o.scaleRates(c.LayerDecay, e); err != nil {
		return nil, err
	}
	return o, o.averageWeights(c.EMA, e)
}

// schedules reads --schedule and checks that no value leaves its range in the course of the run.
func (o *optimizer) schedules(c *Config) (err error) {
	if o.factor, o.others, err = schedule.ParseSeveral(string(c.Schedule), c.Warmup); err != nil {
		return fmt.Errorf("--schedule: %w", err)
	}
	for i, s := range o.others {
		h := o.Entry.Hyper(s.Hyper)
		if h == nil {
			_, _, err := o.Entry.New(registry.Settings{s.Hyper: 0.0})
			return fmt.Errorf("--schedule: %w", err)
		}
		if h.Kind != registry.Number && h.Kind != registry.Integer {
			return fmt.Errorf("--schedule: %s of %s is no number", h.Name, o.Entry.Name)
		}
		o.others[i].Hyper = h.Name
	}
	const samples = 64
	for k := range samples + 1 {
		if err := o.retune(1 + k*max(o.total-1, 0)/samples); err != nil {
			return fmt.Errorf("--schedule: %w", err)
		}
	}
	o.others = slices.DeleteFunc(o.others, func(s schedule.Named) bool {
		if s.Hyper == "weight_decay" { // the host's own
			o.decay = s.Factor
			return true
		}
		return false
	})
	return o.retune(1)
}

// retune gives the optimizers the scheduled values of a step.
func (o *optimizer) retune(step int) error {
	for _, g := range o.groups {
		settings := g.hypers.Settings()
		var values []any
		for _, s := range o.others {
			settings[s.Hyper] = scaled(settings[s.Hyper], s.Factor(step, o.total))
			values = append(values, settings[s.Hyper])
		}
		if slices.Equal(values, g.scheduled) {
			continue
		}
		opt, _, err := o.Entry.New(settings)
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		g.opt, g.scheduled = opt, values
	}
	if o.Stepper != nil && len(o.groups) == 1 {
		o.Optimizer = o.groups[0].opt
	}
	return nil
}

// scaled is a number times a factor, a whole one rounded.
func scaled(value any, factor float64) any {
	if n, ok := value.(int); ok {
		return int(math.Round(float64(n) * factor))
	}
	return value.(float64) * factor
}

// exemptRoles takes the weight decay from the parameters of some roles, but for groups that say what theirs is.
func (o *optimizer) exemptRoles(roles []string) error {
	for _, r := range roles {
		if err := knownRole("--no-decay", r); err != nil {
			return err
		}
	}
	o.exempt = make([]bool, len(o.Params))
	for i, p := range o.Params {
		o.exempt[i] = slices.Contains(roles, string(p.Role)) && !o.groups[o.of[i]].decays
	}
	if slices.Contains(o.exempt, true) || len(o.groups) > 1 {
		o.WeightDecay = make([]float64, len(o.Params))
	}
	return nil
}

func knownRole(flag, role string) error {
	all := []string{string(registry.Weight), string(registry.Bias), string(registry.Norm), string(registry.Embedding)}
	if !slices.Contains(all, role) {
		return fmt.Errorf("%s %q: the roles are %s", flag, role, strings.Join(all, ", "))
	}
	return nil
}

// scaleRates sets the learning rates of groups and layers in relation to that of the run.
func (o *optimizer) scaleRates(layerDecay float64, e *Engine) error {
	if len(o.groups) == 1 && layerDecay == 0 {
		return nil
	}
	o.LRScale = make([]float64, len(o.Params))
	for i, n := range o.of {
		o.LRScale[i] = 1
		if lr := o.groups[n].hypers.LR; lr != o.lr {
			if o.lr == 0 {
				return fmt.Errorf("--group %q: a learning rate of its own needs one above 0 for the run, which schedules scale", o.groups[n].text)
			}
			o.LRScale[i] = lr / o.lr
		}
	}
	if layerDecay > 0 {
		for i, depth := range e.depths() {
			o.LRScale[i] *= math.Pow(layerDecay, float64(depth))
		}
	}
	return nil
}

// update makes a step. It returns the learning rate that it used.
func (o *optimizer) update(c registry.Context, values, grads []*tensor.Tensor) (lr float64, err error) {
	if err := o.retune(c.Step); err != nil {
		return 0, err
	}
	decay := 1.0
	if o.decay != nil {
		decay = o.decay(c.Step, o.total)
	}
	c.LR, c.WeightDecay = o.lr*o.factor(c.Step, o.total), o.wd*decay
	for i := range o.WeightDecay {
		o.WeightDecay[i] = 0
		if !o.exempt[i] {
			o.WeightDecay[i] = o.groups[o.of[i]].hypers.WeightDecay * decay
		}
	}
	if err := o.Step(c, values, grads); err != nil {
		return c.LR, err
	}
	if o.average != nil {
		o.average.add(c.Pool, c.Step)
	}
	return c.LR, nil
}
