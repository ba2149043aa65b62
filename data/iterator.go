package data

import (
	"context"
	"errors"
	"sync"
)

// Iterator is one pass over an epoch.
type Iterator struct {
	stop    context.CancelFunc
	ctx     context.Context
	pending chan *job // in the epoch's order
	workers sync.WaitGroup
	err     error
}

// job is a batch on its way; done closes when it is filled or err is set.
type job struct {
	batch    *Batch
	examples []int
	err      error
	done     chan struct{}
}

var errClosed = errors.New("the iterator is closed")

// Epoch starts reading an epoch at firstBatch. The iterator must be closed. When ctx ends, Next returns its error.
func (l *Loader) Epoch(ctx context.Context, epoch, firstBatch int) *Iterator {
	it := &Iterator{pending: make(chan *job, l.o.Prefetch)}
	it.ctx, it.stop = context.WithCancel(ctx)
	jobs := make(chan *job)
	it.workers.Go(func() {
		defer close(it.pending)
		defer close(jobs)
		it.schedule(l, epoch, firstBatch, jobs)
	})
	for range l.o.Workers {
		it.workers.Go(func() {
			for j := range jobs {
				j.err = l.fill(it.ctx, j.batch, j.examples)
				close(j.done)
			}
		})
	}
	return it
}

// schedule hands out the batches in order; pending's capacity bounds how many are ahead of the consumer.
func (it *Iterator) schedule(l *Loader, epoch, firstBatch int, jobs chan<- *job) {
	order := l.order(epoch)
	for index := max(firstBatch, 0); index < l.Len(); index++ {
		examples := order[index*l.o.Batch : min((index+1)*l.o.Batch, len(order))]
		j := &job{examples: examples, done: make(chan struct{})}
		select {
		case it.pending <- j:
		case <-it.ctx.Done():
			return
		}
		// Memory is taken only now, so that no more batches live than are ahead.
		j.batch = l.newBatch(epoch, index, len(examples))
		select {
		case jobs <- j:
		case <-it.ctx.Done():
			j.err = it.ctx.Err()
			close(j.done)
			return
		}
	}
}

// Next returns the next batch, nil after the last one. After an error it returns that error again.
func (it *Iterator) Next() (*Batch, error) {
	if it.err != nil {
		return nil, it.err
	}
	if it.err = it.ctx.Err(); it.err != nil {
		return nil, it.err
	}
	j, ok := <-it.pending
	if !ok {
		it.err = it.ctx.Err() // nil at the epoch's end
		return nil, it.err
	}
	<-j.done
	if j.err != nil {
		it.err = j.err
		return nil, it.err
	}
	return j.batch, nil
}

// Close stops the workers and waits for them. Batches already returned stay valid.
func (it *Iterator) Close() {
	it.stop()
	it.workers.Wait()
	if it.err == nil {
		it.err = errClosed
	}
}
