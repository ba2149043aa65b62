"""Prints the attributes of the standard operators, for attributes.txt: a line for every version of an operator that changes them."""

import onnx.defs

KINDS = {"INT": "int", "FLOAT": "float", "STRING": "string", "TENSOR": "tensor", "GRAPH": "graph", "INTS": "ints", "FLOATS": "floats",
         "STRINGS": "strings", "SPARSE_TENSOR": "tensor", "TYPE_PROTO": "type"}

schemas = {}
for s in onnx.defs.get_all_schemas_with_history():
    if s.domain == "":
        schemas[s.name, s.since_version] = " ".join(
            f"{name}:{KINDS[a.type.name]}" for name, a in sorted(s.attributes.items()) if name != "sparse_value")

last = {}
for (name, since), attributes in sorted(schemas.items()):
    if last.get(name) != attributes:
        last[name] = attributes
        print(f"{name} {since} {attributes}".rstrip())
