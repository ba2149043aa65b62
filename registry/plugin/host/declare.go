package host

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/plugin/internal/wire"
)

// maxSettings is how many sets of hyper-parameters a plugin is told of before numbers are used again: schedules make new ones.
const maxSettings = 256

// settings are the hyper-parameters of an optimizer.
type settings struct {
	key    string
	values map[string]any
}

// param is a parameter with the slots that some settings declare for it.
type param struct {
	wire.Param
	slots map[string][]wire.Slot // by settings
}

// tell makes settings known to the process and returns their number.
func (p *program) tell(s *settings) (int, error) {
	if at := slices.Index(p.settings, s.key); at >= 0 {
		p.pinned[at+1] = true
		return at + 1, nil
	}
	if len(p.pinned) == maxSettings {
		return 0, fmt.Errorf("there are more than %d groups with settings of their own", maxSettings)
	}
	for p.pinned[p.next%maxSettings+1] {
		p.next++
	}
	at := p.next % maxSettings
	id := at + 1
	for len(p.settings) <= at {
		p.settings = append(p.settings, "")
	}
	p.settings[at] = ""
	maps.DeleteFunc(p.told, func(k [2]int, _ bool) bool { return k[0] == id })
	if err := p.call(&wire.Request{Call: "settings", ID: id, Hypers: s.values}, &wire.Answer{}); err != nil {
		return 0, err
	}
	p.settings[at], p.pinned[id] = s.key, true
	p.next++
	return id, nil
}

// param gives a parameter its number.
func (p *program) param(info registry.ParamInfo) *param {
	key := fmt.Sprint(info.Name, "\x00", info.Shape, info.DType, info.Role)
	known := p.params[key]
	if known == nil {
		w := wire.Param{ID: len(p.params), Name: info.Name, Shape: info.Shape.Clone(), DType: info.DType.String(), Role: string(info.Role)}
		known = &param{Param: w, slots: map[string][]wire.Slot{}}
		p.params[key] = known
	}
	return known
}

// declare has the process declare the slots of parameters that it has not declared since it was started.
func (p *program) declare(s *settings, list []*param) (id int, err error) {
	if id, err = p.tell(s); err != nil {
		return 0, err
	}
	r := &wire.Request{Call: "slots", Settings: id}
	var asked []*param
	for _, q := range list {
		if !p.told[[2]int{id, q.ID}] {
			r.Params, asked = append(r.Params, q.Param), append(asked, q)
		}
	}
	if len(asked) == 0 {
		return id, nil
	}
	var a wire.Answer
	if err := p.call(r, &a); err != nil {
		return 0, err
	}
	if err := p.accept(s, asked, a.Slots); err != nil {
		return 0, p.reject(err)
	}
	for _, q := range asked {
		p.told[[2]int{id, q.ID}] = true
	}
	return id, nil
}

// accept checks declared slots. Those of a parameter never change: its state is there already.
func (p *program) accept(s *settings, asked []*param, slots [][]wire.Slot) error {
	if len(slots) != len(asked) {
		return fmt.Errorf("it declares the slots of %d parameters where it was asked for %d", len(slots), len(asked))
	}
	for i, q := range asked {
		if err := checkSlots(slots[i]); err != nil {
			return fmt.Errorf("parameter %q: %w", q.Name, err)
		}
		if before, known := q.slots[s.key]; known && !reflect.DeepEqual(before, slots[i]) {
			return fmt.Errorf("parameter %q: it declares other slots than before", q.Name)
		}
		q.slots[s.key] = slots[i]
	}
	return nil
}
