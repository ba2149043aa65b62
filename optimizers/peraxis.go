package optimizers

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// perAxis is a setting that may differ between axes and between orders of tensors, as text: "x" for all axes,
// "x/y" by axis, "1:x;2:y/z" by order. Order 0 stands for all orders that are not named.
type perAxis map[int][]string

// parsePerAxis checks every value by check, whose errors continue a sentence that begins with the value.
func parsePerAxis(text string, check func(value string) error) (perAxis, error) {
	p := perAxis{}
	for _, item := range strings.Split(text, ";") {
		order, list, ordered := strings.Cut(item, ":")
		n := 0
		if !ordered {
			list = order
		} else {
			var err error
			if n, err = strconv.Atoi(strings.TrimSpace(order)); err != nil || n < 1 {
				return nil, fmt.Errorf("has %q where the order of a tensor belongs, as in 2:dense/diagonal", order)
			}
		}
		if _, twice := p[n]; twice {
			return nil, fmt.Errorf("sets the same order twice")
		}
		values := strings.Split(list, "/")
		for i, v := range values {
			v = strings.TrimSpace(v)
			if err := check(v); err != nil {
				return nil, fmt.Errorf("is wrong: %q %w", v, err)
			}
			values[i] = v
		}
		if n > 0 && len(values) != 1 && len(values) != n {
			return nil, fmt.Errorf("lists %d values for the axes of a tensor of order %d", len(values), n)
		}
		p[n] = values
	}
	return p, nil
}

func (p perAxis) String() string {
	var orders []int
	for n := range p {
		orders = append(orders, n)
	}
	sort.Ints(orders)
	var items []string
	for _, n := range orders {
		item := strings.Join(p[n], "/")
		if n > 0 {
			item = fmt.Sprintf("%d:%s", n, item)
		}
		items = append(items, item)
	}
	return strings.Join(items, ";")
}

// of returns the values for the axes of a tensor of the given order, otherwise where neither it nor all are named.
func (p perAxis) of(order int, otherwise string) ([]string, error) {
	values, ok := p[order]
	if !ok {
		values, ok = p[0]
	}
	if !ok {
		values = []string{otherwise}
	}
	out := make([]string, order)
	switch len(values) {
	case 1:
		for i := range out {
			out[i] = values[0]
		}
	case order:
		copy(out, values)
	default:
		return nil, fmt.Errorf("%d values %s for a tensor of order %d", len(values), strings.Join(values, "/"), order)
	}
	return out, nil
}

// structures is a structure by axis and order.
type structures struct{ perAxis }

func (s *structures) UnmarshalText(text []byte) (err error) {
	s.perAxis, err = parsePerAxis(string(text), func(v string) error {
		_, err := parseStructure(v)
		return err
	})
	return err
}

func (s structures) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// precisions is a precision by axis and order, where auto is bf16 for a model that computes in it.
type precisions struct{ perAxis }

func (p *precisions) UnmarshalText(text []byte) (err error) {
	p.perAxis, err = parsePerAxis(string(text), func(v string) error {
		if v == "auto" || new(precision).UnmarshalText([]byte(v)) == nil {
			return nil
		}
		return fmt.Errorf("is none of auto f32 bf16")
	})
	return err
}

func (p precisions) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
