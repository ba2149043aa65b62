package memory

import (
	"runtime"
	"testing"
)

func TestLimit(t *testing.T) {
	n := Limit()
	if n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
	if runtime.GOOS == "linux" && n > 1<<50 {
		t.Errorf("%d bytes are more than any machine has", n)
	}
}
