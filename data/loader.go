package data

import (
	"context"
	"fmt"
	"sync"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// LoaderOptions say how examples become batches.
type LoaderOptions struct {
	Batch    int
	Seed     uint64
	Shuffle  bool // a new order each epoch; otherwise the data set's order
	DropLast bool // leave out the last batch when it is short
	Workers  int  // goroutines that read examples; 0 is taken as 1
	Prefetch int  // batches read ahead; 0 is taken as Workers+1
}

// Loader reads a data set in batches. What a batch holds depends on the data set, Seed, Shuffle, Batch, the epoch and
// the batch's index, never on Workers or Prefetch.
type Loader struct {
	ds     Dataset
	o      LoaderOptions
	fields []Field

	mu   sync.Mutex
	free [][]*tensor.Tensor // memory of released batches, Batch examples each
}

// NewLoader makes a loader; several iterators may be used at once.
func NewLoader(ds Dataset, o LoaderOptions) *Loader {
	o.Batch = max(o.Batch, 1)
	o.Workers = max(o.Workers, 1)
	if o.Prefetch <= 0 {
		o.Prefetch = o.Workers + 1
	}
	return &Loader{ds: ds, o: o, fields: ds.Fields()}
}

// Len is the number of batches in an epoch.
func (l *Loader) Len() int {
	if l.o.DropLast {
		return l.ds.Len() / l.o.Batch
	}
	return (l.ds.Len() + l.o.Batch - 1) / l.o.Batch
}

// Batch is one tensor a field, batch axis first.
type Batch struct {
	Tensors []*tensor.Tensor
	Count   int // examples
	Epoch   int
	Index   int // in the epoch

	loader *Loader
	memory []*tensor.Tensor
}

// Release gives the memory back for another batch; the tensors must not be used after it.
func (b *Batch) Release() {
	if b.memory == nil {
		return
	}
	b.loader.mu.Lock()
	b.loader.free = append(b.loader.free, b.memory)
	b.loader.mu.Unlock()
	b.memory, b.Tensors = nil, nil
}

// newBatch takes memory from the released batches, or fresh.
func (l *Loader) newBatch(epoch, index, count int) *Batch {
	b := &Batch{Count: count, Epoch: epoch, Index: index, loader: l}
	l.mu.Lock()
	if n := len(l.free); n > 0 {
		b.memory, l.free = l.free[n-1], l.free[:n-1]
	}
	l.mu.Unlock()
	if b.memory == nil {
		for _, f := range l.fields {
			b.memory = append(b.memory, tensor.New(f.DType, append([]int{l.o.Batch}, f.Shape...)...))
		}
	}
	for i, f := range l.fields {
		shape := append(tensor.Shape{count}, f.Shape...)
		b.Tensors = append(b.Tensors, &tensor.Tensor{DType: f.DType, Shape: shape, Data: b.memory[i].Data[:shape.Elems()*f.DType.Size()]})
	}
	return b
}

// fill reads the examples of one batch.
func (l *Loader) fill(ctx context.Context, b *Batch, examples []int) error {
	views := make([]*tensor.Tensor, len(l.fields))
	for i, f := range l.fields {
		views[i] = &tensor.Tensor{DType: f.DType, Shape: f.Shape}
	}
	for k, example := range examples {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, v := range views {
			size := v.Shape.Elems() * v.DType.Size()
			v.Data = b.Tensors[i].Data[k*size : (k+1)*size : (k+1)*size]
		}
		r := randAt(l.o.Seed, uint64(b.Epoch), uint64(example))
		if err := l.ds.Read(example, &r, views); err != nil {
			return fmt.Errorf("example %d: %w", example, err)
		}
	}
	return nil
}

// order is the epoch's order of examples.
func (l *Loader) order(epoch int) []int {
	order := make([]int, l.ds.Len())
	for i := range order {
		order[i] = i
	}
	if l.o.Shuffle {
		const orderStream = 1<<64 - 1 // an index that no example has
		NewRand(l.o.Seed, uint64(epoch), orderStream).shuffle(order)
	}
	return order
}
