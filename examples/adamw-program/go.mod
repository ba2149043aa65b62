module example.com/adamw-program

go 1.26.0

require github.com/onnxtrain/onnxtrain v0.0.0

require golang.org/x/sys v0.49.0 // indirect

replace github.com/onnxtrain/onnxtrain => ../..
