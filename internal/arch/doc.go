// Package arch holds the packages to the table of allowed imports, and docs/onnx-support.md to the table of operators.
package arch

//go:generate go test . -run TestSupportPage -update
