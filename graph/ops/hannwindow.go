package ops

func init() { cosineWindow("HannWindow", 0.5, 0.5, 0, [5]float32{0, 0.5, 1, 0.5, 0}) }
