"""Writes the small models of test/onnx/convert with PyPI's onnx: python make_convert_models.py (from this folder).

Each has one thing that a precision conversion gets wrong easily; the test says what must come out.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, INT64, BOOL = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64, TensorProto.BOOL
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "convert")
rng = np.random.default_rng(0)
node = helper.make_node
value = helper.make_tensor_value_info


def constant(name, content):
    return numpy_helper.from_array(np.asarray(content), name)


def floats(name, *shape):
    return constant(name, rng.standard_normal(shape).astype(np.float32))


def model_of(name, nodes, inputs, outputs, constants=(), opset=17, ir=8, **rest):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants), value_info=rest.pop("values", []))
    opsets = [helper.make_opsetid("", opset), *rest.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir, **rest)


def save(name, *args, **rest):
    model = model_of(name, *args, **rest)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, os.path.join(HERE, f"{name}.onnx"))


def write_all():
    x, y = value("x", FLOAT, [2, 4]), value("y", FLOAT, [2, 4])
    square = floats("w", 4, 4)

    # A width of 3001 would be 3002 as a half.
    save("shape_arithmetic",
         [node("Shape", ["x"], ["shape"]), node("Cast", ["shape"], ["sizes"], to=FLOAT),
          node("Mul", ["sizes", "factors"], ["larger"]), node("Floor", ["larger"], ["whole"]),
          node("Cast", ["whole"], ["target"], to=INT64),
          node("Resize", ["x", "", "", "target"], ["resized"], mode="nearest"), node("Relu", ["resized"], ["y"])],
         [value("x", FLOAT, [1, 1, 2, "width"])], [value("y", FLOAT, [None] * 4)],
         [constant("factors", np.array([1, 1, 1, 1.5], np.float32))])

    # The scales are read by Resize, which wants them in 32 bits, and by Gather, which need not.
    save("shared_constant",
         [node("Conv", ["x", "filters"], ["c"]),
          node("Resize", ["c", "roi", "scales"], ["r"], mode="linear", coordinate_transformation_mode="half_pixel"),
          node("Gather", ["scales", "two"], ["factor"]), node("Mul", ["r", "factor"], ["y"])],
         [value("x", FLOAT, ["batch", 2, 8, 8])], [value("y", FLOAT, [None] * 4)],
         [floats("filters", 4, 2, 3, 3), constant("two", np.int64(2)), constant("roi", np.zeros(0, np.float32)),
          constant("scales", np.array([1, 1, 2, 2], np.float32))])

    then_branch = helper.make_graph([node("MatMul", ["a", "w"], ["t"]), node("Exp", ["t"], ["then_out"])],
                                    "then", [], [value("then_out", FLOAT, [None] * 2)])
    else_branch = helper.make_graph([node("Constant", [], ["k"], value_float=2.5), node("Mul", ["a", "k"], ["e"]),
                                     node("Tanh", ["e"], ["else_out"])], "else", [],
                                    [value("else_out", FLOAT, [None] * 2)])
    save("branches",
         [node("MatMul", ["x", "w"], ["a"]), node("ReduceSum", ["a"], ["sum"], keepdims=0),
          node("Greater", ["sum", "zero"], ["condition"]),
          node("If", ["condition"], ["r"], then_branch=then_branch, else_branch=else_branch),
          node("Add", ["r", "a"], ["y"])], [x], [y], [square, constant("zero", np.float32(0))])

    body = helper.make_graph(
        [node("Identity", ["go"], ["go_on"]), node("MatMul", ["v", "w"], ["m"]), node("Tanh", ["m"], ["next"]),
         node("Identity", ["next"], ["each"])], "body",
        [value("i", INT64, []), value("go", BOOL, []), value("v", FLOAT, [2, 4])],
        [value("go_on", BOOL, []), value("next", FLOAT, [2, 4]), value("each", FLOAT, [2, 4])])
    save("loop", [node("Relu", ["x"], ["a"]), node("Loop", ["n", "true", "a"], ["last", "all"], body=body),
                  node("Sigmoid", ["last"], ["y"])], [x], [y, value("all", FLOAT, [None] * 3)],
         [square, constant("n", np.int64(3)), constant("true", np.array(True))])

    step = helper.make_graph([node("Add", ["state", "row"], ["state_out"]), node("Mul", ["state_out", "half"], ["out"])],
                             "step", [value("state", FLOAT, [4]), value("row", FLOAT, [4])],
                             [value("state_out", FLOAT, [4]), value("out", FLOAT, [4])])
    save("scan", [node("Scan", ["start", "x"], ["final", "rows"], body=step, num_scan_inputs=1),
                  node("Softmax", ["rows"], ["y"])], [x], [value("y", FLOAT, [None] * 2), value("final", FLOAT, [4])],
         [constant("start", np.zeros(4, np.float32)), constant("half", np.float32(0.5))])

    # -1e9 and 1e-12 are no halves; the floats are stored as typed data, not as raw bytes.
    save("out_of_range",
         [node("Cast", ["mask"], ["m"], to=FLOAT), node("Sub", ["one", "m"], ["absent"]),
          node("Mul", ["absent", "far"], ["bias"]), node("Add", ["x", "bias"], ["scores"]),
          node("Softmax", ["scores"], ["p"]), node("Add", ["p", "tiny"], ["q"]), node("Div", ["p", "q"], ["y"])],
         [x, value("mask", INT64, [2, 4])], [y],
         [helper.make_tensor("far", FLOAT, [], [-1e9]), helper.make_tensor("tiny", FLOAT, [1], [1e-12]),
          helper.make_tensor("one", FLOAT, [], [1.0])])

    save("constant_nodes",
         [node("Shape", ["x"], ["s"]), node("ConstantOfShape", ["s"], ["zeros"]),
          node("ConstantOfShape", ["s"], ["threes"], value=helper.make_tensor("v", FLOAT, [1], [3.0])),
          node("Constant", [], ["list"], value_floats=[1.0, 2.0, 3.0, 4.0]),
          node("Constant", [], ["both"], value=helper.make_tensor("b", FLOAT, [4], [0.1, 0.2, 0.3, 0.4])),
          node("Exp", ["both"], ["e"]), node("Add", ["x", "zeros"], ["a"]), node("Mul", ["a", "threes"], ["b"]),
          node("Add", ["b", "list"], ["c"]), node("Add", ["c", "both"], ["d"]), node("Add", ["d", "e"], ["y"])],
         [x], [y])

    # Outputs that other nodes read too, an initializer as output, and a Reshape between kept nodes.
    save("read_outputs",
         [node("Relu", ["x"], ["a"]), node("Sigmoid", ["a"], ["b"]), node("TopK", ["b", "k"], ["best", "places"]),
          node("Exp", ["a"], ["e"]), node("Reshape", ["e", "to"], ["r"]), node("Log", ["r"], ["l"]),
          node("Add", ["l", "w"], ["y"])],
         [x], [value("a", FLOAT, [2, 4]), value("best", FLOAT, [2, 2]), value("places", INT64, [2, 2]),
               value("e", FLOAT, [2, 4]), y, value("w", FLOAT, [2, 4])],
         [constant("k", np.array([2])), constant("to", np.array([2, 4])), constant("w", np.ones((2, 4), np.float32))])

    save("mixed_before",
         [node("Cast", ["x"], ["h"], to=HALF), node("Relu", ["h"], ["hr"]), node("Cast", ["hr"], ["f"], to=FLOAT),
          node("MatMul", ["f", "w"], ["m"]), node("Cast", ["m"], ["same"], to=FLOAT), node("Exp", ["same"], ["y"]),
          node("Cast", ["f"], ["y2"], to=HALF)], [x], [y, value("y2", HALF, [2, 4])], [square],
         values=[value("h", HALF, [2, 4]), value("f", FLOAT, [2, 4]), value("m", FLOAT, [2, 4])])

    # Before IR version 4 weights are inputs too.
    save("old_form", [node("MatMul", ["x", "w"], ["m"]), node("Exp", ["w"], ["e"]), node("MatMul", ["m", "e"], ["r"]),
                      node("Relu", ["r"], ["y"])], [x, value("w", FLOAT, [4, 4])], [y], [square], opset=9, ir=3)
    save("optional_input", [node("Mul", ["x", "scale"], ["m"]), node("Tanh", ["m"], ["y"])],
         [x, value("scale", FLOAT, [4])], [y], [constant("scale", np.full(4, 2, np.float32))])
    save("quantized",
         [node("Relu", ["x"], ["a"]), node("QuantizeLinear", ["a", "scale", "zero"], ["q"]),
          node("DequantizeLinear", ["q", "scale", "zero"], ["d"]), node("MatMul", ["d", "w"], ["y"])],
         [x], [y], [square, constant("scale", np.float32(0.05)), constant("zero", np.uint8(3))], opset=13)
    save("full_outputs",
         [node("LayerNormalization", ["x", "g"], ["n", "mean", "inverse"]), node("Mul", ["n", "inverse"], ["y"])],
         [x], [y], [constant("g", np.ones(4, np.float32))])

    function = helper.make_function("own", "F", ["a"], ["b"], [node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)])
    save("local_function", [node("F", ["x"], ["y"], domain="own")], [x], [y], functions=[function],
         opsets=[helper.make_opsetid("own", 1)])

    external = model_of(
        "external",
        [node("MatMul", ["x", "weights"], ["m"]), node("Add", ["m", "bias"], ["a"]),
         node("Gather", ["table", "rows"], ["g"]), node("Cast", ["g"], ["gf"], to=FLOAT), node("Add", ["a", "gf"], ["y"])],
        [value("x", FLOAT, [2, 32])], [value("y", FLOAT, [2, 32])],
        [floats("weights", 32, 32), constant("bias", np.ones(32, np.float32)),
         constant("table", rng.integers(0, 9, (8, 32))), constant("rows", np.array([1, 2]))])
    for leftover in ("external.onnx", "weights.bin"):
        if os.path.exists(os.path.join(HERE, leftover)):
            os.remove(os.path.join(HERE, leftover))
    onnx.save_model(external, os.path.join(HERE, "external.onnx"), save_as_external_data=True, location="weights.bin",
                    size_threshold=100)


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    write_all()
