package train

import (
	"context"
	"math"
	"slices"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph/pass"
)

// Evaluation is the result of a pass over a data set in inference form.
type Evaluation struct {
	Loss       float64 `json:"loss"`
	Top1       float64 `json:"top1"`
	Top5       float64 `json:"top5"`
	Perplexity float64 `json:"perplexity,omitempty"` // of token models: e to the loss
	Examples   int     `json:"examples"`
	Classified bool    `json:"-"` // whether Top1 and Top5 mean something
}

// Evaluate runs all batches of the loader once, in order, and averages the loss over its terms.
func (e *Engine) Evaluate(ctx context.Context, loader *data.Loader) (Evaluation, error) {
	it := loader.Epoch(ctx, 0, 0)
	defer it.Close()
	var out Evaluation
	var hits Score
	terms, sum := 0, 0.0
	tokens := false
	for {
		batch, err := it.Next()
		if err != nil {
			return out, fail(BadData, err)
		}
		if batch == nil {
			break
		}
		p, err := e.ProgramFor(batch, false)
		if err != nil {
			return out, err
		}
		if err := p.Run(ctx, batch.Tensors, 0, 0); err != nil {
			return out, err
		}
		sum += p.Loss() * float64(p.Built.LossTerms)
		terms += p.Built.LossTerms
		hits.Add(p.score(batch))
		tokens = tokens || p.classifiesTokens(batch)
		out.Examples += batch.Count
		batch.Release()
	}
	if terms > 0 {
		out.Loss = sum / float64(terms)
	}
	out.Classified = hits.Total > 0
	out.Top1, out.Top5 = hits.Rates()
	if tokens {
		out.Perplexity = math.Exp(out.Loss)
	}
	return out, nil
}

// classifiesTokens says whether the loss is cross-entropy with a class for every position of a sequence.
func (p *Program) classifiesTokens(batch *data.Batch) bool {
	if p.label < 0 || !slices.Contains([]string{"ce", "nll", pass.ModelLoss}, p.Built.LossKind) {
		return false
	}
	label := batch.Tensors[p.label]
	return label.DType.IsInt() && len(label.Shape) == 2
}

// Evaluate scores the session's model on its validation data.
func (s *Session) Evaluate(ctx context.Context) (Evaluation, error) {
	if s.scoring == nil { // one for all evaluations of a run, which so share its memory
		s.scoring = data.NewLoader(s.Val, data.LoaderOptions{Batch: s.Config.Batch, Workers: s.Config.Workers})
	}
	return s.Engine.Evaluate(ctx, s.scoring)
}

// better reports whether the evaluation beats another: by accuracy where there are classes, by loss otherwise.
func (v Evaluation) better(than Evaluation) bool {
	if v.Classified && v.Perplexity == 0 {
		if v.Top1 != than.Top1 {
			return v.Top1 > than.Top1
		}
	}
	return v.Loss < than.Loss
}
