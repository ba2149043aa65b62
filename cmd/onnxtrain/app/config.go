package app

import (
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"github.com/onnxtrain/onnxtrain/train"
)

// configFile is the --config flag: the file's values stand in for flags that are not given.
type configFile string

// BeforeResolve reads the file before kong fills flags that the command line leaves open.
func (f configFile) BeforeResolve(k *kong.Kong, ctx *kong.Context, trace *kong.Path) error {
	name := string(ctx.FlagValue(trace.Flag).(configFile))
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	// Once strictly for its errors, then loosely for what the file says and what it leaves out.
	var whole train.Config
	if err := train.ParseConfig(name, b, &whole); err != nil {
		return err
	}
	return resolveFrom(ctx, b)
}

// resolveFrom makes a configuration the source of flags that the command line leaves open.
func resolveFrom(ctx *kong.Context, text []byte) error {
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return err
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		return values[strings.ReplaceAll(flag.Name, "-", "_")], nil
	}))
	return nil
}
