"""Compares FP16 models of perf-ts with those of PyPI's onnxconverter-common; docs/precision.md has its output.

Usage: compare_fp16.py FOLDER [ROWS]    FOLDER has NAME.onnx and, from perf-ts, NAME.keep.onnx and NAME.half.onnx (inputs and
outputs kept or half). One line for each model, converter and form: nodes that compute in FP16 and in FP32 (Casts apart), Casts,
and the largest error, cosine and best-class agreement against the unchanged model in ONNX Runtime on the CPU.
"""
import glob
import os
import sys
import warnings

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy
import onnx
import onnxruntime
from onnxconverter_common import float16

FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
NUMPY = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(int64)": numpy.int64,
         "tensor(int32)": numpy.int32}


def count_nodes(model):
    inferred = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type
             for value in [*inferred.value_info, *inferred.input, *inferred.output]}
    types.update({tensor.name: tensor.data_type for tensor in inferred.initializer})
    full = half = casts = 0
    for node in inferred.node:
        used = {types.get(name) for name in [*node.input, *node.output]}
        if node.op_type == "Cast":
            casts += 1
        elif node.op_type == "Constant":
            continue
        elif FLOAT in used:
            full += 1
        elif HALF in used:
            half += 1
    return half, full, casts


def run(model, feed):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    typed = {value.name: feed[value.name].astype(NUMPY[value.type]) for value in session.get_inputs()}
    return [output.astype(numpy.float64) for output in session.run(None, typed)]


def feed_of(path, rows):
    rng = numpy.random.default_rng(3)
    feed = {}
    for value in onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs():
        shape = [size if isinstance(size, int) else rows for size in value.shape]
        is_float = "float" in value.type
        feed[value.name] = rng.standard_normal(shape) if is_float else rng.integers(0, 2, shape)
    return feed


def differences(reference, given):
    largest = max(numpy.abs(a - b).max() for a, b in zip(reference, given))
    cosine = min((a * b).sum() / numpy.sqrt((a * a).sum() * (b * b).sum()) for a, b in zip(reference, given))
    same = min((a.argmax(-1) == b.argmax(-1)).mean() for a, b in zip(reference, given))
    return f"max {largest:.1e}  1-cosine {1 - cosine:.1e}  top-1 {same:.2%}"


def judge(name, converter, form, make, reference, feed):
    try:
        model = make()
        onnx.checker.check_model(model, full_check=True)
        half, full, casts = count_nodes(model)
        outcome = differences(reference, run(model.SerializeToString(), feed))
        print(f"{name:20} {converter:8} {form}  {half:4} FP16 {full:3} FP32 {casts:2} Casts  {outcome}")
    except Exception as fault:  # the other converter's faults are what this is about
        print(f"{name:20} {converter:8} {form}  FAILED: {str(fault).strip().splitlines()[0][:140]}")


def main(folder, rows):
    warnings.simplefilter("ignore")
    names = sorted(os.path.basename(path)[:-10] for path in glob.glob(os.path.join(folder, "*.keep.onnx")))
    for name in names:
        path = os.path.join(folder, f"{name}.onnx")
        feed = feed_of(path, rows)
        reference = run(path, feed)
        for form in ("keep", "half"):
            judge(name, "perf-ts", form, lambda: onnx.load(os.path.join(folder, f"{name}.{form}.onnx")), reference, feed)
            judge(name, "onnxconv", form,
                  lambda: float16.convert_float_to_float16(onnx.load(path), keep_io_types=form == "keep"), reference, feed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 16)
