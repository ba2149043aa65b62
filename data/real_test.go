package data

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// shared is a file of the project's shared material; the test is skipped where that is absent.
func shared(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{"..", "..", "shared"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skip(err)
	}
	return p
}

func wantImages(classes int, shape ...int) Want {
	return Want{Inputs: []Field{{"x", tensor.Float32, shape}}, Label: Field{"label", tensor.Int64, tensor.Shape{}}, Classes: classes}
}

func openData(t testing.TB, spec string, w Want, train bool) Dataset {
	t.Helper()
	d, err := Open(spec, w, train, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func firstBatch(t testing.TB, d Dataset, n int) *Batch {
	t.Helper()
	it := NewLoader(d, LoaderOptions{Batch: n}).Epoch(context.Background(), 0, 0)
	defer it.Close()
	b, err := it.Next()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMNIST(t *testing.T) {
	for _, c := range []struct {
		images, labels string
		n              int
	}{
		{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 60000},
		{"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 10000},
	} {
		spec := "idx:" + shared(t, "data", "mnist", c.images) + "," + shared(t, "data", "mnist", c.labels)
		for _, shape := range []tensor.Shape{{1, 28, 28}, {784}, {28, 28}, {-1, -1, -1}} {
			d := openData(t, spec, wantImages(10, shape...), true)
			if d.Len() != c.n {
				t.Errorf("%s: %d images", c.images, d.Len())
			}
			b := firstBatch(t, d, 100)
			low, high := float32(1), float32(0)
			for _, v := range b.Tensors[0].F32() {
				low, high = min(low, v), max(high, v)
			}
			if low != 0 || high != 1 || b.Tensors[0].Elems() != 100*784 {
				t.Errorf("%v: pixels from %g to %g", b.Tensors[0], low, high)
			}
		}
	}
}

func TestCIFARArchive(t *testing.T) {
	path := shared(t, "data", "cifar10", "cifar10-test-jpg.tar.gz")
	d := openData(t, "imagefolder:"+path+"?mean=0.491,0.482,0.447&std=0.247,0.243,0.262", wantImages(10, 3, 32, 32), false)
	names := d.(Described).ClassNames()
	if d.Len() != 10000 || len(names) != 10 || names[0] != "airplane" || names[9] != "truck" {
		t.Fatalf("%d images of %v", d.Len(), names)
	}
	counts := make([]int, 10)
	b := firstBatch(t, d, 10000)
	for _, c := range b.Tensors[1].I64() {
		counts[c]++
	}
	sum := 0.0
	for _, v := range b.Tensors[0].F32() {
		sum += float64(v)
	}
	if mean := sum / float64(b.Tensors[0].Elems()); mean < -0.1 || mean > 0.1 {
		t.Errorf("mean of the normalised pixels: %g", mean)
	}
	for c, n := range counts {
		if n != 1000 {
			t.Errorf("class %d has %d images", c, n)
		}
	}
}

// BenchmarkCIFAR reads an epoch of the training archive with crop, flip and normalisation.
func BenchmarkCIFAR(b *testing.B) {
	path := shared(b, "data", "cifar10", "cifar10-train-jpg.tar.gz")
	began := time.Now()
	d := openData(b, "imagefolder:"+path+"?crop=4&flip=1&mean=0.491,0.482,0.447&std=0.247,0.243,0.262", wantImages(10, 3, 32, 32), true)
	b.ReportMetric(time.Since(began).Seconds(), "s/open")
	l := NewLoader(d, LoaderOptions{Batch: 128, Shuffle: true, Workers: runtime.GOMAXPROCS(0)})
	for epoch := 0; b.Loop(); epoch++ {
		began := time.Now()
		it := l.Epoch(context.Background(), epoch, 0)
		for batch, err := it.Next(); batch != nil || err != nil; batch, err = it.Next() {
			if err != nil {
				b.Fatal(err)
			}
			batch.Release()
		}
		it.Close()
		b.ReportMetric(float64(d.Len())/time.Since(began).Seconds(), "images/s")
		if epoch == 0 {
			b.Logf("first epoch: %.0f images/s", float64(d.Len())/time.Since(began).Seconds())
		}
	}
}
