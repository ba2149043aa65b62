#!/bin/sh
# Writes onnx.pb.go from onnx.proto. Needs Go and Python 3 with venv; the compiler is grpcio-tools' protoc.
# gogofast and not gogofaster: optional fields stay pointers, so that presence survives reading and writing.
set -eu
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

python3 -m venv "$tmp/venv"
"$tmp/venv/bin/pip" install --quiet grpcio-tools==1.85.1
GOBIN="$tmp/bin" go install github.com/gogo/protobuf/protoc-gen-gogofast@v1.3.2

# gogo.proto imports itself by its path in GOPATH style.
gogo=$(cd "$root" && go list -m -f '{{.Dir}}' github.com/gogo/protobuf)
mkdir -p "$tmp/include/github.com/gogo/protobuf/gogoproto" "$tmp/include/onnxtrain/onnxpb"
cp "$gogo/gogoproto/gogo.proto" "$tmp/include/github.com/gogo/protobuf/gogoproto/"
# The name that the descriptor is registered under must not be one that other ONNX packages use.
cp onnx.proto "$tmp/include/onnxtrain/onnxpb/onnx.proto"

PATH="$tmp/bin:$PATH" "$tmp/venv/bin/python" -m grpc_tools.protoc -I "$tmp/include" \
  --gogofast_out="Mgoogle/protobuf/descriptor.proto=github.com/gogo/protobuf/protoc-gen-gogo/descriptor:$tmp" \
  onnxtrain/onnxpb/onnx.proto
cp "$tmp/github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb/onnx.pb.go" onnx.pb.go
gofmt -w onnx.pb.go
