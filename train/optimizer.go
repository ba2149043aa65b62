package train

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/train/schedule"
)

// optimizer is the optimizer of a run with its schedule.
type optimizer struct {
	*registry.Stepper
	Entry  *registry.Entry
	Hypers registry.Hyperparameters
	lr, wd float64
	factor schedule.Factor
}

func newOptimizer(c *Config, params []registry.ParamInfo) (*optimizer, error) {
	entry, settings, err := registry.Parse(c.Opt)
	if err != nil {
		return nil, fail(Usage, err)
	}
	if settings == nil {
		settings = registry.Settings{}
	}
	if c.LR != nil {
		settings["lr"] = *c.LR
	}
	if c.WeightDecay != nil {
		settings["weight_decay"] = *c.WeightDecay
	}
	opt, hypers, err := entry.New(settings)
	if err != nil {
		return nil, fail(Usage, err)
	}
	o := &optimizer{Entry: entry, Hypers: hypers}
	if o.factor, err = schedule.Parse(c.Schedule, c.Warmup); err != nil {
		return nil, fail(Usage, err)
	}
	if o.lr, o.wd, err = rates(hypers); err != nil {
		return nil, fail(Internal, err)
	}
	if o.Stepper, err = registry.NewStepper(opt, params, nil); err != nil {
		return nil, fail(Usage, err)
	}
	return o, o.exempt(c.NoDecay)
}

// rates are the base rates among an optimizer's hyper-parameters.
func rates(h registry.Hyperparameters) (lr, wd float64, err error) {
	s := h.Settings()
	lr, ok := s["lr"].(float64)
	wd, ok2 := s["weight_decay"].(float64)
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("optimizer declares no lr or weight_decay")
	}
	return lr, wd, nil
}

// exempt takes the weight decay from the parameters of some roles.
func (o *optimizer) exempt(roles []string) error {
	all := []string{string(registry.Weight), string(registry.Bias), string(registry.Norm), string(registry.Embedding)}
	for _, r := range roles {
		if !slices.Contains(all, r) {
			return failf(Usage, "--no-decay %q: the roles are %s", r, strings.Join(all, ", "))
		}
	}
	if len(roles) == 0 {
		return nil
	}
	for _, p := range o.Params {
		wd := o.wd
		if slices.Contains(roles, string(p.Role)) {
			wd = 0
		}
		o.WeightDecay = append(o.WeightDecay, wd)
	}
	return nil
}
