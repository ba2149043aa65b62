package train

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// group is parameters that an optimizer of some settings updates.
type group struct {
	text   string // as in --group; "" for the parameters that are in none
	decays bool   // whether the group itself says what its weight decay is
	hypers registry.Hyperparameters
	opt    registry.Optimizer

	scheduled []any // the values of hyper-parameters with schedules that opt has
}

// newGroups makes the group of all parameters, and those of --group.
func newGroups(e *registry.Entry, base registry.Settings, texts []string) ([]*group, error) {
	first := &group{}
	var err error
	if first.opt, first.hypers, err = e.New(base); err != nil {
		return nil, err
	}
	groups := []*group{first}
	for _, text := range texts {
		_, settings, err := parseGroup(e, text)
		if err != nil {
			return nil, err
		}
		g := &group{text: text}
		_, g.decays = settings["weight_decay"]
		all := first.hypers.Settings()
		for name, value := range settings {
			if all[name], err = relative(value, all[name]); err != nil {
				return nil, fmt.Errorf("--group %q: %s %w", text, name, err)
			}
		}
		if g.opt, g.hypers, err = e.New(all); err != nil {
			return nil, fmt.Errorf("--group %q: %w", text, err)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// parseGroup reads "GLOB:name=value,…". Both sides may contain colons: the settings begin behind the first colon that a
// hyper-parameter follows.
func parseGroup(e *registry.Entry, text string) (selector string, s registry.Settings, err error) {
	for at, c := range text {
		if c != ':' {
			continue
		}
		name := text[at+1:]
		if end := strings.IndexAny(name, "=,"); end >= 0 {
			name = name[:end]
		}
		if !identifier(strings.TrimSpace(name)) || text[:at] == "role" {
			continue
		}
		if _, s, err = registry.Parse(e.Name + "," + text[at+1:]); err != nil {
			return "", nil, fmt.Errorf("--group %q: %w", text, err)
		}
		return text[:at], s, nil
	}
	return "", nil, fmt.Errorf("--group %q is not GLOB:name=value,… or role:ROLE:name=value,…, such as '*.bias:weight_decay=0'", text)
}

func identifier(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// relative makes "x0.1" that part of the value that all parameters have.
func relative(value, base any) (any, error) {
	text, _ := value.(string)
	factor, ok := strings.CutPrefix(text, "x")
	if !ok {
		return value, nil
	}
	x, err := strconv.ParseFloat(factor, 64)
	number, isNumber := base.(float64)
	switch {
	case err != nil:
		return nil, fmt.Errorf("is %q, neither a value nor x and a number", text)
	case !isNumber:
		return nil, fmt.Errorf("is %v and cannot be multiplied; give the value itself", base)
	}
	return x * number, nil
}

// assign says which group each parameter is in: the first one that selects it. A group that would be empty is an error.
func assign(e *registry.Entry, groups []*group, params []registry.ParamInfo) ([]int, error) {
	of := make([]int, len(params))
	for n, g := range groups {
		if n == 0 {
			continue
		}
		selector, _, err := parseGroup(e, g.text)
		if err != nil {
			return nil, err
		}
		selects, err := selection(selector)
		if err != nil {
			return nil, err
		}
		selected, left := 0, 0
		for i, p := range params {
			if !selects(p) {
				continue
			}
			selected++
			if of[i] == 0 {
				of[i] = n
				left++
			}
		}
		switch {
		case selected == 0:
			return nil, fmt.Errorf("--group %q matches no parameter; onnxtrain inspect lists their names and roles", g.text)
		case left == 0:
			return nil, fmt.Errorf("--group %q has no effect: all that it matches is in groups before it, and the first one counts", g.text)
		}
	}
	return of, nil
}

// selection is a selector of parameters as a predicate: a glob of names, or role: and a role.
func selection(selector string) (func(registry.ParamInfo) bool, error) {
	if role, ok := strings.CutPrefix(selector, "role:"); ok {
		if err := knownRole("--group", role); err != nil {
			return nil, err
		}
		return func(p registry.ParamInfo) bool { return p.Role == registry.Role(role) }, nil
	}
	match, err := globs([]string{selector})
	if err != nil {
		return nil, err
	}
	return func(p registry.ParamInfo) bool { return match(p.Name) }, nil
}

// mixed is an optimizer that updates each parameter by that of its group.
type mixed struct {
	groups []*group
	of     map[string]int // by parameter
}

// mixedView is mixed of an optimizer with evaluation weights.
type mixedView struct{ *mixed }

// mixedJoint is mixed of an optimizer that makes the updates of a step together.
type mixedJoint struct{ *mixed }

// mix combines the optimizers of groups.
func mix(groups []*group, of []int, params []registry.ParamInfo) registry.Optimizer {
	if len(groups) == 1 {
		return groups[0].opt
	}
	m := &mixed{groups, map[string]int{}}
	for i, p := range params {
		m.of[p.Name] = of[i]
	}
	switch groups[0].opt.(type) {
	case registry.EvalView:
		return mixedView{m}
	case registry.Joint:
		return mixedJoint{m}
	}
	return m
}

func (m *mixed) opt(p registry.ParamInfo) registry.Optimizer { return m.groups[m.of[p.Name]].opt }

func (m *mixed) Slots(p registry.ParamInfo) []registry.Slot { return m.opt(p).Slots(p) }

func (m *mixed) Update(c registry.Context, p *registry.Param) error {
	return m.opt(p.Info).Update(c, p)
}

func (m *mixed) GroupSlots(ps []registry.ParamInfo) []registry.Slot {
	return m.opt(ps[0]).(registry.Grouper).GroupSlots(ps)
}

func (m *mixed) UpdateGroup(c registry.Context, ps []*registry.Param, slots []*tensor.Tensor) error {
	return m.opt(ps[0].Info).(registry.Grouper).UpdateGroup(c, ps, slots)
}

// members are the parameters of a group, and where they stand among all.
func (m *mixed) members(n int, ps []registry.ParamInfo) (infos []registry.ParamInfo, at []int) {
	for i, p := range ps {
		if m.of[p.Name] == n {
			infos, at = append(infos, p), append(at, i)
		}
	}
	return infos, at
}

// Group partitions every group by itself.
func (m *mixed) Group(ps []registry.ParamInfo) [][]int {
	var all [][]int
	for n, g := range m.groups {
		infos, at := m.members(n, ps)
		grouper, ok := g.opt.(registry.Grouper)
		if !ok {
			for _, i := range at {
				all = append(all, []int{i})
			}
			continue
		}
		for _, together := range grouper.Group(infos) {
			there := make([]int, len(together))
			for k, i := range together {
				there[k] = at[i]
			}
			all = append(all, there)
		}
	}
	return all
}

func (m *mixed) CheckParams(ps []registry.ParamInfo) error {
	for n, g := range m.groups {
		infos, _ := m.members(n, ps)
		if c, ok := g.opt.(registry.Checker); ok {
			if err := c.CheckParams(infos); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m mixedView) EvalWeights(dst *tensor.Tensor, p *registry.Param) error {
	return m.opt(p.Info).(registry.EvalView).EvalWeights(dst, p)
}

func (m mixedJoint) first() registry.Joint { return m.groups[0].opt.(registry.Joint) }

func (m mixedJoint) UpdateAll(jobs []registry.Job) error {
	for i := range jobs {
		jobs[i].By = m.opt(jobs[i].Param.Info)
	}
	return m.first().UpdateAll(jobs)
}

func (m mixedJoint) Recover(err error) error { return m.first().Recover(err) }

func (m mixedJoint) Alloc(dt tensor.DType, shape tensor.Shape) (*tensor.Tensor, error) {
	return m.first().Alloc(dt, shape)
}

func (m mixedJoint) Free(ts ...*tensor.Tensor) { m.first().Free(ts...) }
