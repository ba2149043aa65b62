"""Reads go.safetensors with the Python package safetensors (0.8.0), checks every element, and writes python.safetensors.

    pip install safetensors numpy && python crossread.py

TestPythonReadsAndWrites compares both files with what the package in Go writes and reads.
"""
import json, pathlib, struct
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

here = pathlib.Path(__file__).parent

# Of each element type, its bytes being 0, 1, 0, 1, …, as samples() in the Go test; numpy knows no bfloat16.
types = {"float32": "f4", "float64": "f8", "float16": "f2", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8",
         "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?"}
want = {}
for name, t in types.items():
    size = np.dtype(t).itemsize
    want["every/" + name] = (np.arange(6 * size, dtype="u1") % 2).view(t).reshape(2, 3)
want["a scalar"] = np.array(2, "f4")
want["empty"] = np.zeros((0, 4), "i8")
want['q"uo\\te, ü'] = np.array([1, 2, 3], "u1")

file = here / "go.safetensors"
with safe_open(file, "numpy") as f:
    assert f.metadata() == {"a": "b"}, f.metadata()
    names = set(f.keys())
    assert names == set(want) | {"every/bfloat16"}, names
    for name, w in want.items():
        have = f.get_tensor(name)
        assert have.dtype == w.dtype and have.shape == w.shape and have.tobytes() == w.tobytes(), name
    assert f.get_slice("every/bfloat16").get_dtype() == "BF16" and f.get_slice("every/bfloat16").get_shape() == [2, 3]
size, = struct.unpack("<Q", file.read_bytes()[:8])
json.loads(file.read_bytes()[8:8 + size])

save_file(want, here / "python.safetensors", metadata={"a": "b"})
print(len(names), "tensors read,", len(load_file(here / "python.safetensors")), "written")
