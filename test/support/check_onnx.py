"""Judges ONNX files with PyPI's onnx (and ONNX Runtime, when it is there), which share no code with perf-ts.

Usage: check_onnx.py FILE...     one JSON line a file; exit status 1 when any file fails.
The full check runs shape inference with strict types. With ONNX Runtime each model also runs on two random inputs with
one intra-op thread: outputs must be finite and must depend on the input.
"""
import json
import os
import sys
import time

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy
import onnx

try:
    import onnxruntime
except ImportError:
    onnxruntime = None


def random_feed(session, seed):
    rng = numpy.random.default_rng(seed)
    feed = {}
    for value in session.get_inputs():
        shape = [2 if not isinstance(size, int) else size for size in value.shape]
        if value.type == "tensor(float)":
            feed[value.name] = rng.standard_normal(shape).astype(numpy.float32)
        else:
            feed[value.name] = rng.integers(-100, 100, shape).astype(numpy.int32)
    return feed


def run(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    first = session.run(None, random_feed(session, 1))
    second = session.run(None, random_feed(session, 2))
    finite = all(bool(numpy.isfinite(output).all()) for output in first + second)
    varied = all(not numpy.allclose(a, b) for a, b in zip(first, second))
    one_row = {name: value[:1] for name, value in random_feed(session, 1).items()}
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        session.run(None, one_row)
        times.append(time.perf_counter() - begin)
    spread = [float(numpy.std(output)) for output in first]
    # How much two inputs' outputs differ, beside how much one output varies within itself.
    difference = [float(numpy.std(a - b)) for a, b in zip(first, second)]
    classes = [len(set(numpy.argmax(output, axis=-1).ravel().tolist())) for output in first]
    return {"finite": finite, "varied": varied, "milliseconds": round(sorted(times)[len(times) // 2] * 1e3, 3),
            "deviation": spread, "difference": difference, "classes": classes}


def check(path):
    result = {"file": path, "ok": True}
    try:
        onnx.checker.check_model(path, full_check=True)
        model = onnx.load(path, load_external_data=False)
        result["opset"] = model.opset_import[0].version
        result["ir_version"] = model.ir_version
        if onnxruntime is not None:
            result.update(run(path))
            result["ok"] = result["finite"] and result["varied"]
    except Exception as error:  # the answer is the verdict, whatever the library raises
        result.update(ok=False, error=str(error)[:500])
    return result


results = [check(path) for path in sys.argv[1:]]
for result in results:
    print(json.dumps(result))
sys.exit(0 if all(result["ok"] for result in results) else 1)
