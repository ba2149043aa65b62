package optimizers

// heavyBall is the last part of a preconditioned update: decay beside the preconditioner, then momentum.
type heavyBall struct {
	lr, decay, momentum float64
	nesterov            bool
}

// heavyBallPass steps along c.g, which here is the preconditioned direction.
func heavyBallPass[T number](s *heavyBall, c chunk[T, T]) {
	lr, decay, momentum := T(s.lr), T(s.decay), T(s.momentum)
	g, w := c.g, c.w[:len(c.g)]
	if c.s[0] == nil {
		for i, x := range g {
			w[i] -= lr * (x + decay*w[i])
		}
		return
	}
	buf := c.s[0][:len(g)]
	for i, x := range g {
		x += decay * w[i]
		b := momentum*buf[i] + x
		buf[i] = b
		if s.nesterov {
			b = x + momentum*b
		}
		w[i] -= lr * b
	}
}
