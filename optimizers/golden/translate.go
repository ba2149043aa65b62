package golden

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
)

// translate turns official argument names into settings, one run for every group of parameters. Names of single
// arguments are aliases that the optimizer declares; here is what concerns more than one.
func translate(c *recorded, e *registry.Entry) ([]*run, error) {
	groups := c.groups()
	var runs []*run
	for _, g := range groups {
		r := &run{params: g.params, settings: registry.Settings{}, lossTerms: 1}
		for _, h := range e.Hypers {
			if h.Official != "" {
				r.settings[h.Name] = h.Official
			}
		}
		if err := r.translate(e, dialect(e, g.hyper)); err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	seen := map[string]bool{}
	for _, r := range runs {
		for _, name := range r.params {
			if seen[name] || !slices.Contains(c.Params, name) {
				return nil, fmt.Errorf("groups of hyper-parameters: %q is in two of them or not in params", name)
			}
			seen[name] = true
		}
	}
	if len(seen) != len(c.Params) {
		return nil, fmt.Errorf("groups of hyper-parameters cover %d of %d params", len(seen), len(c.Params))
	}
	return runs, nil
}

type hyperGroup struct {
	params []string
	hyper  map[string]any
}

// groups splits the case by what differs between parameters.
func (c *recorded) groups() []hyperGroup {
	if _, ok := c.Hyper["lr_cov"]; ok {
		return c.prototypeGroups()
	}
	listed := c.GroupHyper
	if nested, ok := c.Hyper["groups"].([]any); ok { // Muon's parameter groups
		for _, g := range nested {
			if m, ok := g.(map[string]any); ok {
				listed = append(listed, m)
			}
		}
	}
	if len(listed) == 0 {
		return []hyperGroup{{c.Params, c.Hyper}}
	}
	var groups []hyperGroup
	for _, overrides := range listed {
		g := hyperGroup{hyper: map[string]any{}}
		for key, v := range c.Hyper {
			if key != "groups" && key != "aux_adam" {
				g.hyper[key] = v
			}
		}
		for key, v := range overrides {
			if key != "params" {
				g.hyper[key] = v
				continue
			}
			names, _ := v.([]any)
			for _, name := range names {
				g.params = append(g.params, fmt.Sprint(name))
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// prototypeGroups translates the arguments of the prototype of IF-Shampoo, which names them otherwise and
// divides the preconditioner's rate by 4 where a name contains norm, proj or bias (docs of arXiv 2402.03496's code).
func (c *recorded) prototypeGroups() []hyperGroup {
	rename := map[string]string{"lr_cov": "beta2", "beta2": "alpha2"}
	plain := hyperGroup{hyper: map[string]any{}}
	slow := hyperGroup{hyper: map[string]any{}}
	for key, v := range c.Hyper {
		if to, ok := rename[key]; ok {
			key = to
		}
		if rate, ok := v.(float64); ok {
			switch key {
			case "beta2":
				slow.hyper[key], plain.hyper[key] = rate/4, v
				continue
			case "T":
				v = fmt.Sprintf("log4:%v", rate)
			}
		}
		slow.hyper[key], plain.hyper[key] = v, v
	}
	var groups []hyperGroup
	for _, name := range c.Params {
		g := &plain
		for _, part := range []string{"norm", "proj", "bias"} {
			if strings.Contains(name, part) {
				g = &slow
			}
		}
		g.params = append(g.params, name)
	}
	for _, g := range []hyperGroup{plain, slow} {
		if len(g.params) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// dialect rewrites arguments that a plain alias cannot express.
func dialect(e *registry.Entry, hyper map[string]any) map[string]any {
	out := map[string]any{}
	for key, v := range hyper {
		switch {
		case recordedName(e) == "ifshampoo" && key == "update_steps":
			out["interval"] = v
			continue
		case recordedName(e) == "ifshampoo" && (key == "structures" || key == "structure") && hyper["block_transpose"] != "correct":
			// The official package takes block-diagonal factors for symmetric.
			v = symmetricBlocks(v)
		case key == "block_transpose":
			continue
		case recordedName(e) == "muon" && key == "use_muon":
			// A group without it is AdamW, whose step size the official code calls lr as well.
			if v == false {
				out["hidden"], out["aux_lr"] = "none", hyper["lr"]
			} else {
				out["hidden"] = "all"
			}
			continue
		}
		out[key] = v
	}
	if _, ok := out["interval"]; ok {
		delete(out, "T")
	}
	return out
}

func symmetricBlocks(v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "block") {
			return strings.TrimSuffix(v, "diagonal") + "symmetric"
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = symmetricBlocks(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = symmetricBlocks(value)
		}
		return out
	}
	return v
}

func (r *run) translate(e *registry.Entry, hyper map[string]any) error {
	for key, v := range hyper {
		list, isList := v.([]any)
		name := canonical(e, key)
		switch {
		case key == "batch_size":
			n, ok := v.(float64)
			if !ok || n < 1 || n != float64(int(n)) {
				return fmt.Errorf("field hyper: batch_size=%v is not a whole number above 0", v)
			}
			if averaged, ok := hyper["batch_averaged"].(bool); !ok || averaged {
				r.lossTerms = int(n)
			}
		case key == "batch_averaged":
		case isList && canonical(e, key+".0") != key+".0":
			for i, x := range list {
				r.settings[canonical(e, fmt.Sprintf("%s.%d", key, i))] = x
			}
		default:
			r.settings[name] = v
		}
	}
	return nil
}

// canonical is the hyper-parameter that has the given alias, or the alias when none has: New then says so. A boolean
// whose alias means the opposite keeps it.
func canonical(e *registry.Entry, alias string) string {
	for _, h := range e.Hypers {
		if slices.Contains(h.Aliases, alias) {
			return h.Name
		}
	}
	return alias
}
