package train

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"runtime"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/train/checkpoint"
)

// snapshot is the run as it stands between two updates. Its tensors are the live ones.
func (r *run) snapshot() (*checkpoint.Checkpoint, error) {
	config, err := r.s.Config.YAML()
	if err != nil {
		return nil, err
	}
	t := r.trainer
	c := &checkpoint.Checkpoint{Weights: t.Engine.weights(), Optimizer: t.slots(), Config: config}
	s := &c.State
	*s = checkpoint.State{
		Model: r.model, Data: r.s.Train.Len(), DataSum: r.data, Optimizer: t.opt.Hypers.String(), Plugin: plugin(t.opt.Entry),
		ISA: cpu.Current().String(), Arch: runtime.GOARCH,
		Step: t.step, Seed: t.Seed, Steps: r.total, Epoch: r.at.epoch, Batches: r.at.batches,
		Examples: r.examples, Seconds: r.seconds(), NonFinite: r.nonFinite,
		Interval: checkpoint.Interval{Loss: r.window.loss, Steps: r.window.steps},
	}
	for i, p := range t.opt.Params {
		s.Updates = append(s.Updates, checkpoint.Count{Name: p.Name, N: t.opt.Updates[i]})
	}
	if b := r.result.Best; b != nil {
		s.Best = &checkpoint.Score{Step: r.result.BestStep, Loss: b.Loss, Top1: b.Top1, Top5: b.Top5, Perplexity: min(b.Perplexity, math.MaxFloat64),
			Examples: b.Examples, Classified: b.Classified}
	}
	if r.pending != nil {
		s.Pending, err = json.Marshal(r.pending)
	}
	return c, err
}

func (t *Trainer) slots() []checkpoint.Named {
	var list []checkpoint.Named
	for _, s := range t.opt.Slots {
		list = append(list, checkpoint.Named{Name: s.Name, Tensor: s.Tensor})
	}
	return list
}

// hashFile is the SHA-256 of a file in hexadecimal digits.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
