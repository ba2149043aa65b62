package data

import (
	"fmt"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
)

var formats = names.Table[Format]{Kind: "data format"}

// Register adds a format under its scheme, from an init function. It panics on an empty or taken scheme.
func Register(scheme string, f Format) { formats.Register(scheme, f) }

// Formats lists the registered schemes, sorted.
func Formats() []string { return formats.Names() }

// Describe returns the format registered under scheme; the error names the nearest one.
func Describe(scheme string) (Format, error) { return formats.Lookup(scheme) }

// Open opens what spec, "scheme:path?key=value&…", names, fitted to what the model wants. train allows augmentation.
// Errors begin with the spec.
func Open(spec string, want Want, train bool, seed uint64) (Dataset, error) {
	d, err := open(spec, want, train, seed)
	if err != nil {
		return nil, fmt.Errorf("data %q: %w", spec, err)
	}
	return d, nil
}

func open(spec string, want Want, train bool, seed uint64) (Dataset, error) {
	scheme, rest, found := strings.Cut(spec, ":")
	if !found {
		return nil, fmt.Errorf("no data format; write FORMAT:PATH, such as %s (formats: %s)", guess(spec), strings.Join(Formats(), " "))
	}
	f, err := formats.Lookup(scheme)
	if err != nil {
		return nil, err
	}
	path, query, _ := strings.Cut(rest, "?")
	options, err := ParseOptions(query)
	if err != nil {
		return nil, err
	}
	if err := options.unknown(scheme, f.Options); err != nil {
		return nil, err
	}
	if path == "" && !f.Pathless {
		return nil, fmt.Errorf("no path; write it like %s", f.Example)
	}
	if len(want.More) > 0 && !f.ManyLabels {
		return nil, fmt.Errorf("%s data have one label, the losses want %d; use npz: with an array for each", scheme, 1+len(want.More))
	}
	d, err := f.Open(Request{Scheme: scheme, Path: path, Options: options, Want: want, Train: train, Seed: seed})
	if err == nil {
		if err = options.Err(); err == nil {
			err = options.unused()
		}
		if err != nil {
			d.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	if d.Len() == 0 {
		d.Close()
		return nil, fmt.Errorf("no examples")
	}
	return d, nil
}

// guess is the SPEC that somebody who wrote only a path may have meant.
func guess(path string) string {
	for _, g := range [][2]string{{".npz", "npz"}, {".npy", "npy"}, {".csv", "csv"}, {".txt", "text"}, {"ubyte.gz", "idx"}, {"ubyte", "idx"}} {
		if strings.HasSuffix(path, g[0]) {
			return g[1] + ":" + path
		}
	}
	return "imagefolder:" + path
}
