package registry

// Cost is what one update takes.
type Cost struct {
	FLOPs   float64 `json:"flops"`         // additions, multiplications, divisions and roots alike
	Scratch int64   `json:"scratch_bytes"` // memory beside the slots
}

// Coster is an optimizer that says what its updates cost.
type Coster interface {
	Optimizer
	// Cost is that of an update of parameters that are updated together, mostly one. Work that is not done at every
	// update counts in proportion.
	Cost(ps []ParamInfo) Cost
}

// GroupCost is what parameters that are updated together take.
type GroupCost struct {
	Params []ParamInfo
	State  int64 // bytes of slots
	Cost
}

// Costs lists what an optimizer takes for the parameters of a model. known says whether it tells more than its state; if
// not, the costs are 0. The error is that of settings that do not fit the parameters.
func Costs(opt Optimizer, params []ParamInfo) (list []GroupCost, known bool, err error) {
	if c, ok := opt.(Checker); ok {
		if err := c.CheckParams(params); err != nil {
			return nil, false, err
		}
	}
	groups, err := partition(opt, params)
	if err != nil {
		return nil, false, err
	}
	coster, known := opt.(Coster)
	for _, members := range groups {
		g := GroupCost{}
		for _, i := range members {
			g.Params = append(g.Params, params[i])
		}
		for _, s := range slotsOf(opt, g.Params) {
			g.State += int64(s.Shape.Elems() * s.DType.Size())
		}
		if known {
			g.Cost = coster.Cost(g.Params)
		}
		list = append(list, g)
	}
	return list, known, nil
}

// slotsOf are the slots of parameters that are updated together.
func slotsOf(opt Optimizer, ps []ParamInfo) []Slot {
	if len(ps) == 1 {
		return opt.Slots(ps[0])
	}
	return opt.(Grouper).GroupSlots(ps)
}
