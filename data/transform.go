package data

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Transform is the deterministic part of how stored values become a model's input: what an exported model carries as
// onnxtrain.transform. For images, x = (byte·scale − mean) / std for each channel; for columns, the same for each column.
type Transform struct {
	Kind     string    `json:"kind"` // "image" or "columns"
	Channels int       `json:"channels,omitempty"`
	Height   int       `json:"height,omitempty"`
	Width    int       `json:"width,omitempty"`
	Fit      string    `json:"fit,omitempty"` // how another size becomes this one: "cover" or "stretch"
	Scale    float64   `json:"scale"`
	Mean     []float64 `json:"mean,omitempty"`
	Std      []float64 `json:"std,omitempty"`
}

// ParseTransform reads what Transform.String wrote.
func ParseTransform(text string) (Transform, error) {
	var t Transform
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return t, fmt.Errorf("transform %.80q: %w", text, err)
	}
	if t.Kind != "image" && t.Kind != "columns" {
		return t, fmt.Errorf("transform %.80q: unknown kind %q", text, t.Kind)
	}
	if len(t.Mean) != len(t.Std) {
		return t, fmt.Errorf("transform %.80q: %d means and %d standard deviations", text, len(t.Mean), len(t.Std))
	}
	for _, s := range t.Std {
		if s == 0 {
			return t, fmt.Errorf("transform %.80q: a standard deviation of 0", text)
		}
	}
	return t, nil
}

// String is the JSON form.
func (t Transform) String() string {
	b, err := json.Marshal(t)
	if err != nil { // only for numbers that ParseTransform and the options refuse
		return ""
	}
	return string(b)
}

// normalisation takes the options mean and std, one number or one for each of n channels; those of the model's recorded
// transform when neither is given.
func normalisation(q Request, kind string, n int) (mean, std []float64, err error) {
	if q.Want.Transform != "" && !q.Options.Has("mean") && !q.Options.Has("std") {
		t, err := ParseTransform(q.Want.Transform)
		if err != nil {
			return nil, nil, fmt.Errorf("in the model's metadata: %w", err)
		}
		if t.Kind == kind && len(t.Mean) > 0 {
			mean, std = t.Mean, t.Std
		}
	}
	if given := q.Options.Floats("mean"); given != nil {
		mean = given
	}
	if given := q.Options.Floats("std"); given != nil {
		std = given
	}
	if mean == nil && std == nil {
		return nil, nil, q.Options.Err()
	}
	if mean, err = spread(mean, 0, n); err != nil {
		return nil, nil, fmt.Errorf("option mean: %w", err)
	}
	if std, err = spread(std, 1, n); err != nil {
		return nil, nil, fmt.Errorf("option std: %w", err)
	}
	for _, s := range std {
		if !(s > 0) {
			return nil, nil, errors.New("option std: want numbers above 0")
		}
	}
	return mean, std, q.Options.Err()
}

// spread makes n numbers of none, one or n.
func spread(v []float64, otherwise float64, n int) ([]float64, error) {
	switch len(v) {
	case n:
		return v, nil
	case 0:
		v = []float64{otherwise}
	case 1:
	default:
		return nil, fmt.Errorf("%d numbers for %d channels; give one, or one each", len(v), n)
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = v[0]
	}
	return out, nil
}
