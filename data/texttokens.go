package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// tokenise numbers the characters in sorted order, as the model's recorded class names where it has them.
func (d *text) tokenise(raw []byte, mode string, w Want) error {
	room := w.Classes
	if w.Vocab > 0 && (room == 0 || w.Vocab < room) {
		room = w.Vocab
	}
	var chars []rune
	if mode != "bytes" {
		chars = alphabet(raw)
		known := w.ClassNames
		if len(known) > 0 && mode == "" && known[0] == "0x00" {
			mode = "bytes"
		} else if len(known) > 0 {
			return d.encode(raw, known)
		}
	}
	switch {
	case mode == "chars" && chars == nil:
		return errors.New("not UTF-8; say ?tokens=bytes")
	case mode == "chars" && room > 0 && len(chars) > room:
		return fmt.Errorf("the text has %d different characters, the model only %d tokens; say ?tokens=bytes, or export the model for %d", len(chars), room, len(chars))
	case mode == "" && chars != nil && (room == 0 || len(chars) <= room), mode == "chars":
		names := make([]string, len(chars))
		for i, c := range chars {
			names[i] = string(c)
		}
		return d.encode(raw, names)
	case room > 0 && room < 256:
		return fmt.Errorf("the text has %d different characters and bytes need 256 tokens, the model has only %d", len(chars), room)
	}
	for i := range 256 {
		d.classes = append(d.classes, "0x"+strconv.FormatUint(uint64(i)+256, 16)[1:])
	}
	d.tokens = make([]int32, len(raw))
	for i, b := range raw {
		d.tokens[i] = int32(b)
	}
	return nil
}

// alphabet is the sorted characters of a text, nil when it is not UTF-8.
func alphabet(raw []byte) []rune {
	if !utf8.Valid(raw) {
		return nil
	}
	seen := map[rune]bool{}
	for _, c := range string(raw) {
		seen[c] = true
	}
	chars := make([]rune, 0, len(seen))
	for c := range seen {
		chars = append(chars, c)
	}
	slices.Sort(chars)
	return chars
}

func (d *text) encode(raw []byte, classes []string) error {
	index := make(map[rune]int32, len(classes))
	for i, name := range classes {
		c, _ := utf8.DecodeRuneInString(name)
		index[c] = int32(i)
	}
	d.classes = classes
	d.tokens = make([]int32, 0, len(raw))
	for at, c := range string(raw) {
		token, ok := index[c]
		if !ok {
			return fmt.Errorf("byte %d: character %q is not among the %d that the model was trained on", at, c, len(classes))
		}
		d.tokens = append(d.tokens, token)
	}
	return nil
}
