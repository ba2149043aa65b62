package optimizers

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// heavyBall is the last part of a preconditioned update: decay beside the preconditioner, then momentum.
type heavyBall struct {
	lr, decay, momentum float64
	nesterov            bool
}

// heavyBallPass steps along c.g, which here is the preconditioned direction.
func heavyBallPass[T number](s *heavyBall, c chunk[T, T]) {
	p := linalg.Momentum[T]{LR: T(s.lr), Decay: T(s.decay), Momentum: T(s.momentum), Keep: 1, Back: 1}
	if s.nesterov {
		p.Ahead, p.Back = 1, p.Momentum
	}
	p.Step(c.w, c.g, c.s[0])
}
