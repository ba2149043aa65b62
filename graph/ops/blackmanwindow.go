package ops

func init() { cosineWindow("BlackmanWindow", 0.42, 0.5, 0.08, [5]float32{0, 0.34, 1, 0.34, 0}) }
