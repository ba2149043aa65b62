package train

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// notFinite does what --on-nonfinite says about a failed step; nil means to go on with the next batches.
func (r *run) notFinite(ctx context.Context, bad *NonFinite, batches []*data.Batch) error {
	r.trainer.Diagnose(context.WithoutCancel(ctx), batches, bad)
	r.nonFinite++
	switch {
	case r.policy.action == "stop" || r.nonFinite > r.policy.limit || bad.Spoiled && r.policy.action == "skip":
		return r.postMortem(bad, batches)
	case r.policy.action == "rollback":
		from := r.trainer.step
		if err := r.rollBack(); err != nil {
			return err
		}
		r.watch.Warned(fmt.Sprintf("%v (back from step %d to %d, and on with the data after this batch: %d of %d times)",
			bad, from+1, r.trainer.step, r.nonFinite, r.policy.limit))
	default:
		r.watch.Warned(fmt.Sprintf("%v (the batch is left out: %d of %d times)", bad, r.nonFinite, r.policy.limit))
	}
	return nil
}

// rollBack restores the newest checkpoint but for the position in the data: the same batches would fail again.
func (r *run) rollBack() error {
	at, failures, earlier := r.at, r.nonFinite, r.earlier
	found, err := r.restoreNewest()
	if err == nil && !found {
		err = failf(Resources, "%s holds no checkpoint to go back to", r.store.Dir)
	}
	if err != nil {
		return err
	}
	r.at, r.nonFinite, r.earlier, r.pending = at, failures, earlier, nil
	return r.dir.rewind(r.trainer.step)
}

// postMortem leaves the failed step in the run directory and returns the error that ends the run.
func (r *run) postMortem(bad *NonFinite, batches []*data.Batch) error {
	c, err := r.snapshot()
	if err != nil {
		return fail(Internal, err)
	}
	c.State.Spoiled = bad.Spoiled
	in := &checkpoint.Incident{Checkpoint: *c, Description: []byte(describeIncident(bad, batches))}
	for _, f := range r.s.Engine.o.Fields {
		in.Fields = append(in.Fields, f.Name)
	}
	for _, b := range batches {
		in.Batches = append(in.Batches, b.Tensors)
	}
	dir := r.file("post-mortem")
	if err := checkpoint.SaveIncident(nil, dir, in); err != nil {
		r.watch.Warned(fmt.Sprintf("the failed step could not be saved: %v", err))
		return fail(Diverged, bad)
	}
	r.watch.Warned(fmt.Sprintf("the failed step is in %s; `onnxtrain replay %s` runs it again", dir, dir))
	return fail(Diverged, bad)
}

func describeIncident(bad *NonFinite, batches []*data.Batch) string {
	text := bad.Error() + "\n\n"
	for _, b := range batches {
		text += fmt.Sprintf("batch %d of epoch %d, counted from 0: %d examples\n", b.Index, b.Epoch, b.Count)
	}
	return text + `
state.json, config.yaml, weights.safetensors and optimizer.safetensors are the run before this step, unless the weights
are said to be spoiled; batch.safetensors holds the arrays of the step: BATCH.ARRAY, in the order of the metadata.
`
}

// Replay runs the failed step of a post-mortem folder again. Its error is the step's; nil means that the step is fine now.
func Replay(ctx context.Context, dir string, threads int) error {
	saved, in, err := checkpoint.OpenIncident(dir)
	if err != nil {
		return failf(Unproven, "%s is no whole post-mortem: %w", dir, err)
	}
	var c Config
	if err := ParseConfig(filepath.Join(dir, "config.yaml"), in.Config, &c); err != nil {
		return err
	}
	c.Threads = threads
	s, err := open(c, true, &recorded{in})
	if err != nil {
		return err
	}
	defer s.Close()
	if sum, err := hashFile(c.Model); err != nil || sum != saved.State.Model {
		return failf(BadModel, "%s is not the model that %s is about; put that one in its place", c.Model, dir)
	}
	t, err := NewTrainer(s.Engine, &c, max(saved.State.Steps, 1))
	if err != nil {
		return err
	}
	if err := t.restore(saved); err != nil {
		return err
	}
	if bad := t.spoiled(saved.State.Step+1, true); bad != nil && saved.State.Spoiled {
		return fail(Diverged, bad)
	}
	var batches []*data.Batch
	for _, tensors := range in.Batches {
		batches = append(batches, &data.Batch{Tensors: tensors, Count: tensors[0].Shape[0]})
	}
	_, err = t.Step(ctx, batches)
	var bad *NonFinite
	if errors.As(err, &bad) {
		t.Diagnose(ctx, batches, bad)
	}
	return err
}

// recorded is a data set of the batches of an incident; it serves for the fields, and examples of the first batch.
type recorded struct{ in *checkpoint.Incident }

func (r *recorded) Len() int     { return r.in.Batches[0][0].Shape[0] }
func (r *recorded) Close() error { return nil }

func (r *recorded) Fields() []data.Field {
	var list []data.Field
	for i, t := range r.in.Batches[0] {
		list = append(list, data.Field{Name: r.in.Fields[i], DType: t.DType, Shape: t.Shape[1:].Clone()})
	}
	return list
}

func (r *recorded) Read(i int, _ *data.Rand, dst []*tensor.Tensor) error {
	for k, t := range r.in.Batches[0] {
		size := len(dst[k].Data)
		copy(dst[k].Data, t.Data[i*size:(i+1)*size])
	}
	return nil
}
