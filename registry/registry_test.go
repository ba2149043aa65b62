package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// level is a setting with a text of its own.
type level int

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 0
	case "high":
		*l = 1
	default:
		return fmt.Errorf("is neither low nor high")
	}
	return nil
}

func (l level) MarshalText() ([]byte, error) { return []byte([]string{"low", "high"}[l]), nil }

type testConfig struct {
	LR          float64 `name:"lr" range:"[0,inf)" search:"log 1e-4 1e-1" doc:"step size"`
	Momentum    float64 `name:"momentum" symbol:"μ" range:"[0,1)" alias:"alpha1 betas.0" doc:"memory"`
	Every       int     `name:"every" range:"[1,inf)" unit:"updates" official:"1" doc:"how often"`
	Centered    bool    `name:"centered" alias:"!uncentered" doc:"subtract the mean"`
	Mode        string  `name:"mode" choices:"plain|fancy" doc:"which way"`
	Level       level   `name:"level" doc:"how much"`
	WeightDecay float64 `name:"weight_decay" range:"[0,inf)" doc:"decay"`
}

func (c testConfig) Check() error {
	if c.Centered && c.Momentum == 0 {
		return fmt.Errorf("centered needs momentum above 0")
	}
	return nil
}

// descent subtracts lr·g and counts its updates in a slot.
type descent struct{ testConfig }

func (descent) Slots(ParamInfo) []Slot {
	return []Slot{{Name: "count", Shape: tensor.Shape{1}, DType: tensor.Float32, Init: func(t *tensor.Tensor) { t.F32()[0] = 100 }}}
}

func (descent) Update(c Context, p *Param) error {
	p.Slots[0].F32()[0]++
	for i, g := range p.Grad.F32() {
		if g > 1000 {
			return fmt.Errorf("gradient too large")
		}
		w := p.Value.F32()
		w[i] -= float32(c.LR)*g + float32(c.WeightDecay)*w[i]
	}
	return nil
}

func init() {
	Register(Info{Name: "descent", Doc: "plain descent", Paper: "Cauchy (1847)", Formula: "\nw ← w - lr·g"},
		testConfig{LR: 0.1, Momentum: 0.5, Every: 2, Mode: "plain"}, func(c testConfig) Optimizer { return descent{c} })
}

func TestSettings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"defaults", "descent", "descent,lr=0.1,momentum=0.5,every=2,centered=false,mode=plain,level=low,weight_decay=0"},
		{"values", "descent,lr=1e-3,momentum=0.9", "descent,lr=0.001,momentum=0.9,every=2,centered=false,mode=plain,level=low,weight_decay=0"},
		{"aliases", "descent,alpha1=0.9,level=high", "descent,lr=0.1,momentum=0.9,every=2,centered=false,mode=plain,level=high,weight_decay=0"},
		{"boolean alone", "descent,centered", "descent,lr=0.1,momentum=0.5,every=2,centered=true,mode=plain,level=low,weight_decay=0"},
		{"opposite", "descent,uncentered=false", "descent,lr=0.1,momentum=0.5,every=2,centered=true,mode=plain,level=low,weight_decay=0"},
		{"spaces", "descent, every = 3", "descent,lr=0.1,momentum=0.5,every=3,centered=false,mode=plain,level=low,weight_decay=0"},
		{"whole float", "descent,every=1e1", "descent,lr=0.1,momentum=0.5,every=10,centered=false,mode=plain,level=low,weight_decay=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, s, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			_, h, err := e.New(s)
			if err != nil {
				t.Fatal(err)
			}
			if h.String() != c.want {
				t.Errorf("%s, want %s", h, c.want)
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"optimizer", "desent", `unknown optimizer "desent"; did you mean "descent"?`},
		{"unknown key", "descent,momentun=1", `descent has no hyper-parameter "momentun"; did you mean "momentum"? (there are: lr momentum`},
		{"out of range", "descent,momentum=1", "momentum=1 is outside [0,1)"},
		{"not finite", "descent,lr=inf", "lr=+Inf is outside [0,Inf)"},
		{"wrong type", "descent,lr=fast", "lr=fast is not a number"},
		{"not whole", "descent,every=1.5", "every=1.5 is not a whole number"},
		{"not boolean", "descent,centered=maybe", "centered=maybe is not true or false"},
		{"choice", "descent,mode=fance", `mode=fance is none of plain fancy; did you mean "fancy"?`},
		{"text", "descent,level=mid", "level=mid is neither low nor high"},
		{"twice", "descent,lr=1,lr=2", "lr is set twice"},
		{"no value", "descent,lr", "lr needs a value, as in lr=0.1"},
		{"together", "descent,centered,momentum=0", "centered needs momentum above 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, s, err := Parse(c.text)
			if err == nil {
				_, _, err = e.New(s)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestSettingsFromJSON(t *testing.T) {
	var s Settings
	if err := json.Unmarshal([]byte(`{"lr":0.25,"every":7,"centered":true,"level":"high","betas.0":0.75}`), &s); err != nil {
		t.Fatal(err)
	}
	e, err := Lookup("descent")
	if err != nil {
		t.Fatal(err)
	}
	opt, h, err := e.New(s)
	if err != nil {
		t.Fatal(err)
	}
	want := testConfig{LR: 0.25, Momentum: 0.75, Every: 7, Centered: true, Mode: "plain", Level: 1}
	if got := opt.(descent).testConfig; got != want || h.LR != 0.25 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, _, err := e.New(Settings{"momentum": 0.1, "alpha1": 0.2}); err == nil || !strings.Contains(err.Error(), "same hyper-parameter") {
		t.Errorf("error %v for an alias beside its name", err)
	}
}

func TestWrongDeclarations(t *testing.T) {
	for name, config := range map[string]any{
		"no lr":   &struct{}{},
		"no name": &struct{ LR float64 }{},
		"range": &struct {
			LR float64 `name:"lr" range:"0,1"`
		}{},
		"type": &struct {
			LR float32 `name:"lr"`
		}{},
		"name taken": &struct {
			LR float64 `name:"lr"`
			WD float64 `name:"weight_decay" alias:"lr"`
		}{},
		"search": &struct {
			LR float64 `name:"lr" search:"1e-4 1"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := declare(config); err == nil {
				t.Error("declaration accepted")
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	var b strings.Builder
	if err := Describe(&b, "descent"); err != nil {
		t.Fatal(err)
	}
	const want = `descent: plain descent
from Cauchy (1847)

    w ← w - lr·g

hyper-parameter  default  symbol  values         search           meaning
lr               0.1              [0,Inf)        0.0001..0.1 log  step size
momentum         0.5      μ       [0,1)                           memory (also alpha1, betas.0)
every            2                whole [1,Inf)                   how often, in updates; officially 1
centered         false            true|false                      subtract the mean (also not uncentered)
mode             plain            plain|fancy                     which way
level            low              text                            how much
weight_decay     0                [0,Inf)                         decay
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if err := Describe(&b, "descend"); err == nil {
		t.Error("unknown optimizer described")
	}
}
