module github.com/onnxtrain/onnxtrain/tensor/linalg/_asm

go 1.26
