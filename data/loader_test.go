package data

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// numbers is a data set whose example i is i and a random number.
type numbers struct {
	n    int
	fail int // the example that cannot be read; -1 for none
}

func (d numbers) Len() int     { return d.n }
func (d numbers) Close() error { return nil }
func (d numbers) Fields() []Field {
	return []Field{{"x", tensor.Float32, tensor.Shape{2}}, {"label", tensor.Int64, tensor.Shape{}}}
}

func (d numbers) Read(i int, r *Rand, dst []*tensor.Tensor) error {
	if i == d.fail {
		return errors.New("file.bin: broken")
	}
	dst[0].F32()[0], dst[0].F32()[1] = float32(r.Float64()), float32(r.Norm())
	dst[1].I64()[0] = int64(i)
	return nil
}

// fingerprint is a hash of everything that an epoch delivers.
func fingerprint(t *testing.T, l *Loader, epoch, first int) string {
	t.Helper()
	it := l.Epoch(context.Background(), epoch, first)
	defer it.Close()
	h := fnv.New64a()
	batches := 0
	for {
		b, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return fmt.Sprintf("%d:%x", batches, h.Sum64())
		}
		if b.Index != first+batches || b.Epoch != epoch {
			t.Fatalf("batch %d of epoch %d arrived as %d of %d", first+batches, epoch, b.Index, b.Epoch)
		}
		batches++
		binary.Write(h, binary.LittleEndian, int64(b.Count))
		for _, x := range b.Tensors {
			h.Write(x.Data)
		}
		b.Release()
	}
}

func TestBatchesDoNotDependOnWorkers(t *testing.T) {
	ds := numbers{1003, -1}
	want := ""
	for _, o := range []LoaderOptions{{Workers: 1, Prefetch: 1}, {Workers: 2}, {Workers: 7, Prefetch: 3}, {Workers: 3, Prefetch: 40}} {
		o.Batch, o.Seed, o.Shuffle = 16, 5, true
		l := NewLoader(ds, o)
		got := fingerprint(t, l, 2, 0) + " " + fingerprint(t, l, 2, 40)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("workers %d, prefetch %d: %s, want %s", o.Workers, o.Prefetch, got, want)
		}
		if next := fingerprint(t, l, 3, 0); next == want[:len(next)] {
			t.Error("two epochs are the same")
		}
	}
}

func TestEveryExampleOnce(t *testing.T) {
	for _, shuffle := range []bool{false, true} {
		l := NewLoader(numbers{103, -1}, LoaderOptions{Batch: 10, Shuffle: shuffle, Workers: 2})
		if l.Len() != 11 {
			t.Fatalf("%d batches", l.Len())
		}
		seen := map[int64]bool{}
		sorted := true
		it := l.Epoch(context.Background(), 0, 0)
		for b, err := it.Next(); b != nil || err != nil; b, err = it.Next() {
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range b.Tensors[1].I64() {
				sorted = sorted && int(i) == len(seen)
				seen[i] = true
			}
			b.Release()
		}
		it.Close()
		if len(seen) != 103 || sorted == shuffle {
			t.Errorf("shuffle %v: %d examples, sorted %v", shuffle, len(seen), sorted)
		}
	}
	if n := NewLoader(numbers{103, -1}, LoaderOptions{Batch: 10, DropLast: true}).Len(); n != 10 {
		t.Errorf("%d batches without the short one", n)
	}
}

func TestReadErrorNamesTheExample(t *testing.T) {
	it := NewLoader(numbers{100, 37}, LoaderOptions{Batch: 10, Workers: 3}).Epoch(context.Background(), 0, 0)
	defer it.Close()
	for range 3 {
		if _, err := it.Next(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := it.Next(); err == nil || err.Error() != "example 37: file.bin: broken" {
			t.Errorf("got %v", err)
		}
	}
}

func TestIteratorStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	it := NewLoader(numbers{1000, -1}, LoaderOptions{Batch: 1, Workers: 2}).Epoch(ctx, 0, 0)
	if _, err := it.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := it.Next(); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	it.Close()
	it.Close()
	it = NewLoader(numbers{1000, -1}, LoaderOptions{Batch: 1}).Epoch(context.Background(), 0, 0)
	it.Close()
	if b, err := it.Next(); b != nil || err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("after Close: %v %v", b, err)
	}
}

func TestSplit(t *testing.T) {
	train, val := Split(numbers{100, -1}, 0.1, 3)
	_, again := Split(numbers{100, -1}, 0.1, 3)
	if train.Len() != 90 || val.Len() != 10 {
		t.Fatalf("%d and %d examples", train.Len(), val.Len())
	}
	seen := map[int64]int{}
	for _, d := range []Dataset{train, val} {
		l := NewLoader(d, LoaderOptions{Batch: 100})
		it := l.Epoch(context.Background(), 0, 0)
		b, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range b.Tensors[1].I64() {
			seen[i]++
		}
		it.Close()
	}
	if len(seen) != 100 {
		t.Errorf("%d examples in both parts", len(seen))
	}
	a, b := fingerprint(t, NewLoader(val, LoaderOptions{Batch: 4}), 0, 0), fingerprint(t, NewLoader(again, LoaderOptions{Batch: 4}), 0, 0)
	if a != b {
		t.Error("two splits by one seed differ")
	}
}
