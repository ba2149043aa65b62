package registry

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Describe prints an optimizer for people: formula, source and every hyper-parameter.
func Describe(w io.Writer, name string) error {
	e, err := Lookup(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s\n", e.Name, e.Doc)
	if e.Paper != "" {
		fmt.Fprintf(&b, "from %s\n", e.Paper)
	}
	if e.Origin != "" {
		fmt.Fprintf(&b, "in %s\n", e.Origin)
	}
	if e.Version != "" {
		fmt.Fprintf(&b, "version %s\n", e.Version)
	}
	if e.Digest != "" {
		fmt.Fprintf(&b, "SHA-256 %s\n", e.Digest)
	}
	if e.Formula != "" {
		fmt.Fprintln(&b)
		for _, line := range strings.Split(strings.Trim(e.Formula, "\n"), "\n") {
			fmt.Fprintf(&b, "    %s\n", strings.TrimPrefix(line, "\t"))
		}
	}
	fmt.Fprintln(&b)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "hyper-parameter\tdefault\tsymbol\tvalues\tsearch\tmeaning")
	for i := range e.Hypers {
		h := &e.Hypers[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", h.Name, h.defaultText(), h.Symbol, h.values(), h.Search, h.meaning())
	}
	t.Flush()
	for _, line := range strings.SplitAfter(b.String(), "\n") {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
		if strings.HasSuffix(line, "\n") {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *Hyper) defaultText() string {
	text, err := textOf(h.Default)
	if err != nil {
		return err.Error()
	}
	return text
}

func (h *Hyper) values() string {
	switch {
	case h.Kind == Choice:
		return strings.Join(h.Choices, "|")
	case h.Kind == Integer && h.Range.set:
		return "whole " + h.Range.String()
	case h.Range.set:
		return h.Range.String()
	case h.Kind == Boolean:
		return "true|false"
	}
	return string(h.Kind)
}

func (h *Hyper) meaning() string {
	s := h.Doc
	if h.Unit != "" {
		s += ", in " + h.Unit
	}
	if h.Official != "" {
		s += "; officially " + h.Official
	}
	if len(h.Aliases) > 0 {
		s += " (also " + strings.ReplaceAll(strings.Join(h.Aliases, ", "), "!", "not ") + ")"
	}
	return s
}

// String prints the search range, such as 1e-4..1e-1 log.
func (s Search) String() string {
	if s.Hi == 0 {
		return ""
	}
	text := format(s.Lo) + ".." + format(s.Hi)
	if s.Log {
		text += " log"
	}
	return text
}
