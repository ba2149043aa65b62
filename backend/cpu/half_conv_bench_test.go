package cpu

import "testing"

// The layers of ResNet-20 at batch 128 and of ResNet-18 at batch 32.
var halfConvBenches = append([]convBench{
	{"3-64_7x7_s2_224", 32, 3, 64, 224, 7, 2, 3},
	{"64-64_56x56", 32, 64, 64, 56, 3, 1, 1},
	{"64-128_s2_56", 32, 64, 128, 56, 3, 2, 1},
	{"64-128_1x1_s2_56", 32, 64, 128, 56, 1, 2, 0},
	{"128-128_28x28", 32, 128, 128, 28, 3, 1, 1},
	{"128-256_s2_28", 32, 128, 256, 28, 3, 2, 1},
	{"256-256_14x14", 32, 256, 256, 14, 3, 1, 1},
	{"256-512_s2_14", 32, 256, 512, 14, 3, 2, 1},
	{"512-512_7x7", 32, 512, 512, 7, 3, 1, 1},
	{"256-1024_1x1_14", 32, 256, 1024, 14, 1, 1, 0},
}, convBenches[:6]...)

// BenchmarkHalfConv reports GFLOP/s in each direction on one thread, with activations in float32 and in bf16.
func BenchmarkHalfConv(b *testing.B) {
	for _, c := range halfConvBenches {
		for _, direction := range []string{"Conv", "ConvGradInput", "ConvGradWeight"} {
			b.Run(c.name+"/"+direction+"/f32", func(b *testing.B) { c.run(b, direction, 1, false) })
			b.Run(c.name+"/"+direction+"/bf16", func(b *testing.B) { c.run(b, direction, 1, true) })
		}
	}
}
