package data

import (
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func wantTokens(length, classes int) Want {
	return Want{Inputs: []Field{{"idx", tensor.Int64, tensor.Shape{length}}}, Label: Field{"label", tensor.Int64, tensor.Shape{length}}, Classes: classes}
}

func TestShakespeare(t *testing.T) {
	path := shared(t, "data", "text", "tinyshakespeare.txt")
	d := openData(t, "text:"+path+"?split=train", wantTokens(64, 65), true)
	if n := len(d.(Described).ClassNames()); n != 65 || d.Len() != (1003855-65)/64+1 {
		t.Errorf("%d blocks over %d characters", d.Len(), n)
	}
	if v := openData(t, "text:"+path+"?split=val", wantTokens(64, 65), false); v.Len() != (111539-65)/64+1 {
		t.Errorf("%d blocks held out", v.Len())
	}
}

func TestText(t *testing.T) {
	path := writeFile(t, "t.txt", []byte("abcabéab"))
	for _, c := range []struct {
		name, options string
		classes       int
		block, n      int
		input, label  []int64 // of the last block
	}{
		{"characters", "", 4, 3, 2, []int64{0, 1, 3}, []int64{1, 3, 0}},
		{"stride", "?stride=1", 4, 3, 5, []int64{1, 3, 0}, []int64{3, 0, 1}},
		{"bytes", "?tokens=bytes", 256, 4, 2, []int64{'b', 0xc3, 0xa9, 'a'}, []int64{0xc3, 0xa9, 'a', 'b'}},
		{"part", "?split=train&val=0.5", 4, 3, 1, []int64{0, 1, 2}, []int64{1, 2, 0}},
	} {
		d := openData(t, "text:"+path+c.options, wantTokens(c.block, c.classes), true)
		got := readOne(t, d, d.Len()-1)
		if d.Len() != c.n || !slices.Equal(got[0].I64(), c.input) || !slices.Equal(got[1].I64(), c.label) {
			t.Errorf("%s: %d blocks, the last %v %v", c.name, d.Len(), got[0].I64(), got[1].I64())
		}
	}
	for name, c := range map[string]struct {
		options string
		want    Want
		message string
	}{
		"alphabet":       {"", wantTokens(3, 3), "4 different characters"},
		"chars only":     {"?tokens=chars", wantTokens(3, 3), "say ?tokens=bytes"},
		"short":          {"", wantTokens(8, 4), "too few for a block of 8"},
		"block":          {"?block=5", wantTokens(3, 4), "the model takes 3 tokens"},
		"images":         {"", wantImages(4, 3, 32, 32), "the model wants float32[3,32,32]"},
		"classification": {"", Want{Inputs: wantTokens(3, 4).Inputs, Label: Field{"label", tensor.Int64, tensor.Shape{}}}, "labels each of 3 positions"},
	} {
		if _, err := Open("text:"+path+c.options, c.want, true, 0); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A model that is scored on another text keeps the numbers that it was trained with.
func TestTextKeepsTheVocabulary(t *testing.T) {
	w := wantTokens(2, 4)
	w.ClassNames = []string{"a", "b", "c", "d"}
	d := openData(t, "text:"+writeFile(t, "t.txt", []byte("dbd")), w, false)
	if got := readOne(t, d, 0); !slices.Equal(got[0].I64(), []int64{3, 1}) {
		t.Error(got[0].I64())
	}
	if _, err := Open("text:"+writeFile(t, "t.txt", []byte("dbx")), w, false, 0); err == nil || !strings.Contains(err.Error(), `byte 2: character 'x'`) {
		t.Error(err)
	}
}

func TestTextJitter(t *testing.T) {
	d := openData(t, "text:"+writeFile(t, "t.txt", []byte("abcdefghij"))+"?jitter=1", wantTokens(4, 10), true)
	seen := map[int64]bool{}
	for epoch := range uint64(50) {
		dst := []*tensor.Tensor{tensor.New(tensor.Int64, 4), tensor.New(tensor.Int64, 4)}
		for i := range d.Len() {
			must(t, d.Read(i, NewRand(0, epoch, uint64(i)), dst))
			seen[dst[0].I64()[0]] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d different starts", len(seen))
	}
}
