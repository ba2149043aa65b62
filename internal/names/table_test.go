package names

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	tab := Table[int]{Kind: "optimizer"}
	tab.Register("sgd", 1)
	tab.Register("adam", 2)
	if got := strings.Join(tab.Names(), " "); got != "adam sgd" {
		t.Errorf("Names() = %q", got)
	}
	if v, err := tab.Lookup("sgd"); err != nil || v != 1 {
		t.Errorf("Lookup(sgd) = %d, %v", v, err)
	}
	_, err := tab.Lookup("adan")
	if err == nil || !strings.Contains(err.Error(), `did you mean "adam"`) || !strings.Contains(err.Error(), "adam sgd") {
		t.Errorf("Lookup(adan) = %v", err)
	}
	mustPanic(t, "after the first lookup", func() { tab.Register("late", 3) })
	fresh := Table[int]{Kind: "thing"}
	fresh.Register("a", 1)
	mustPanic(t, "twice", func() { fresh.Register("a", 1) })
	mustPanic(t, "without a name", func() { fresh.Register("", 1) })
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), want) {
			t.Errorf("panic %v, want one saying %q", r, want)
		}
	}()
	f()
}

func TestNearestLeavesFarNamesAlone(t *testing.T) {
	if got := Nearest("zzzzzz", []string{"sgd", "adam"}); got != "" {
		t.Errorf("Nearest = %q", got)
	}
}
