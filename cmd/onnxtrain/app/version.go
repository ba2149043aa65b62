package app

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				revision = " " + s.Value[:12]
			}
		}
	}
	fmt.Fprintf(e.stdout, "onnxtrain %s%s %s %s/%s %v\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu.Detected())
	return nil
}
