package ops

// FastGelu of com.microsoft is the GELU by tanh of x + bias, with an optional bias along the last axis.
func init() { biasedGelu("FastGelu", "tanh", geluTanh, 1) }
