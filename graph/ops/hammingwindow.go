package ops

// ONNX has the exact 25/46, where numpy and PyTorch round it to 0.54.
func init() {
	cosineWindow("HammingWindow", 25.0/46, 21.0/46, 0, [5]float32{4.0 / 46, 25.0 / 46, 1, 25.0 / 46, 4.0 / 46})
}
