"""Asks a running engine for Triton's protocol extensions through the official client: shared memory, classification,
parameters, trace and log settings, cancellation, metrics.

Usage: protocol_features.py GRPC_ENDPOINT HTTP_ENDPOINT METRICS_ENDPOINT
Prints one JSON line for each check: {"topic", "check", "ok", "detail"}. The models are those of
test/support/contract-engine.ts.
"""

import asyncio
import json
import os
import queue
import sys
import traceback
import urllib.request

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http_client
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

GRPC, HTTP, METRICS = sys.argv[1:4]


def refused(call, *words):
    try:
        call()
    except InferenceServerException as error:
        text = f"{error.status()} {error.message()}"
        assert all(word in text for word in words), text
        return
    raise AssertionError(f"not refused with {words}")


class Region:
    """A region that exists while the block runs."""

    def __init__(self, name, size):
        self.name, self.size, self.key = name, size, f"/perf_ts_{os.getpid()}_{name}"

    def __enter__(self):
        self.handle = shm.create_shared_memory_region(self.name, self.key, self.size)
        return self

    def __exit__(self, *_):
        shm.destroy_shared_memory_region(self.handle)

    def put(self, data, offset=0):
        shm.set_shared_memory_region(self.handle, [data], offset)

    def get(self, datatype, shape, offset=0):
        return shm.get_contents_as_numpy(self.handle, datatype, shape, offset)


def infer_in_shared_memory(module, client):
    """Both inputs from one region, one output into another, the other output in the answer."""
    a = np.arange(32, dtype=np.int32).reshape(2, 16)
    b = np.full((2, 16), 100, np.int32)
    with Region("in", 4096) as source, Region("out", 4096) as target:
        source.put(a)
        source.put(b, 1024)
        client.register_system_shared_memory("in", source.key, source.size)
        client.register_system_shared_memory("out", target.key, target.size)
        inputs = [module.InferInput(name, (2, 16), "INT32") for name in ("INPUT0", "INPUT1")]
        inputs[0].set_shared_memory("in", a.nbytes)
        inputs[1].set_shared_memory("in", b.nbytes, offset=1024)
        outputs = [module.InferRequestedOutput(name) for name in ("OUTPUT0", "OUTPUT1")]
        outputs[0].set_shared_memory("out", 2048, offset=512)
        for _ in range(20):
            result = client.infer("add_sub", inputs, outputs=outputs)
            assert np.array_equal(target.get(np.int32, (2, 16), 512), a + b)
            assert np.array_equal(result.as_numpy("OUTPUT1"), a - b)
            a = a + 1
            source.put(a)
        outputs[0].set_shared_memory("out", 64)
        refused(lambda: client.infer("add_sub", inputs, outputs=outputs), "should be at least 128 bytes")
        inputs[0].set_shared_memory("in", a.nbytes, offset=4090)
        refused(lambda: client.infer("add_sub", inputs), "Invalid offset + byte size for shared memory region: 'in'")
        # A tensor keeps its last offset, so a new one.
        inputs[0] = module.InferInput("INPUT0", (2, 16), "INT32")
        inputs[0].set_shared_memory("nothing", a.nbytes)
        refused(lambda: client.infer("add_sub", inputs), "Unable to find shared memory region: 'nothing'")
        inputs[0].set_shared_memory("in", 64)
        refused(lambda: client.infer("add_sub", inputs), "Expected 128, got 64")
        client.unregister_system_shared_memory()


def truncated_region(module, client):
    """A region that its owner cuts off is refused, and the server lives on."""
    with Region("cut", 1 << 20) as region:
        client.register_system_shared_memory("cut", region.key, region.size)
        tensor = module.InferInput("INPUT0", (1, 1 << 18), "FP32")
        tensor.set_shared_memory("cut", 1 << 20)
        os.truncate(f"/dev/shm{region.key}", 4096)
        refused(lambda: client.infer("identity_fp32", [tensor]), "Invalid offset + byte size")
        output = module.InferRequestedOutput("OUTPUT0")
        output.set_shared_memory("cut", 1 << 20)
        tensor.set_data_from_numpy(np.ones((1, 1 << 18), np.float32))
        refused(lambda: client.infer("identity_fp32", [tensor], outputs=[output]), "Invalid offset + byte size")
        client.unregister_system_shared_memory("cut")
    assert client.is_server_live()


def register_regions(client, statuses):
    with Region("one", 64) as one, Region("two", 128) as two:
        client.register_system_shared_memory("one", one.key, 64)
        client.register_system_shared_memory("two", two.key, 100, offset=28)
        assert statuses(client) == {"one": (one.key, 0, 64), "two": (two.key, 28, 100)}, statuses(client)
        refused(lambda: client.register_system_shared_memory("one", one.key, 64), "already in manager")
        refused(lambda: client.register_system_shared_memory("x", one.key, 65), "failed to register shared memory region")
        refused(lambda: client.register_system_shared_memory("x", "/../etc/passwd", 1), "Unable to open")
        client.unregister_system_shared_memory("one")
        assert list(statuses(client)) == ["two"]
        client.unregister_system_shared_memory()
        assert statuses(client) == {}
        refused(lambda: client.get_system_shared_memory_status("one"), "Unable to find")


def grpc_statuses(client):
    regions = client.get_system_shared_memory_status().regions
    return {name: (r.key, r.offset, r.byte_size) for name, r in sorted(regions.items())}


def http_statuses(client):
    regions = client.get_system_shared_memory_status()
    return {r["name"]: (r["key"], r["offset"], r["byte_size"]) for r in sorted(regions, key=lambda r: r["name"])}


def no_cuda(grpc, http):
    assert not grpc.get_cuda_shared_memory_status().regions
    assert http.get_cuda_shared_memory_status() == []
    for client in (grpc, http):
        refused(lambda: client.register_cuda_shared_memory("c", b"aGFuZGxl", 0, 64), "no CUDA shared memory")
        client.unregister_cuda_shared_memory()


def classify(module, client, **binary):
    data = np.array([[1, 3, 2, 0.5], [4, 4, 8.25, -1]], np.float32)
    tensor = module.InferInput("INPUT0", data.shape, "FP32")
    tensor.set_data_from_numpy(data)
    outputs = [module.InferRequestedOutput("OUTPUT0", class_count=3, **binary)]
    result = client.infer("identity_fp32", [tensor], outputs=outputs).as_numpy("OUTPUT0")
    texts = [[one.decode() if isinstance(one, bytes) else one for one in row] for row in result]
    assert texts == [
        ["3.000000:1:dog", "2.000000:2:fish", "1.000000:0:cat"],
        ["8.250000:2:fish", "4.000000:0:cat", "4.000000:1:dog"],
    ], texts
    tensor = module.InferInput("INPUT0", (1, 2), "BOOL")
    tensor.set_data_from_numpy(np.ones((1, 2), np.bool_))
    refused(lambda: client.infer("identity_bool", [tensor], outputs=outputs), "unsupported type 'BOOL'")


def parameters(module, client):
    data = np.ones((1, 4), np.float32)
    tensor = module.InferInput("INPUT0", data.shape, "FP32")
    tensor.set_data_from_numpy(data)
    given = {"text": "x", "number": 5, "yes": True, "part": 0.5}
    assert client.infer("identity_fp32", [tensor], parameters=given, timeout=10_000_000, priority=1) is not None
    refused(lambda: client.infer("identity_fp32", [tensor], parameters={"triton_x": 1}), "reserved")


def reserved_parameter(client):
    """What a stream client sets to be told of empty answers."""
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    tensor = grpc_client.InferInput("INPUT0", (1, 2), "FP32")
    tensor.set_data_from_numpy(np.ones((1, 2), np.float32))
    client.async_stream_infer("identity_fp32", [tensor], enable_empty_final_response=True)
    result, error = answers.get(timeout=20)
    client.stop_stream()
    assert error is None, error
    assert result.get_response().parameters["triton_final_response"].bool_param


def trace_settings(read, change):
    assert read("") == {
        "trace_level": ["OFF"],
        "trace_rate": ["1000"],
        "trace_count": ["-1"],
        "log_frequency": ["0"],
        "trace_file": [""],
        "trace_mode": ["triton"],
    }, read("")
    change("", {"trace_rate": "7"})
    change("add_sub", {"trace_rate": "9"})
    assert (read("")["trace_rate"], read("add_sub")["trace_rate"], read("busy")["trace_rate"]) == (["7"], ["9"], ["7"])
    change("add_sub", {"trace_rate": None})
    assert read("add_sub")["trace_rate"] == ["7"]
    change("", {"trace_rate": None})
    refused(lambda: read("nothing"), "Request for unknown model : nothing")
    refused(lambda: change("", {"trace_level": ["TIMESTAMPS"]}), "trace file name is not given")
    refused(lambda: change("", {"trace_file": "/tmp/x"}), "can not be updated")


def grpc_trace(client):
    read = lambda model: {k: list(v.value) for k, v in client.get_trace_settings(model).settings.items()}
    trace_settings(read, lambda model, changes: client.update_trace_settings(model, changes))


def http_trace(client):
    listed = lambda settings: {k: v if isinstance(v, list) else [v] for k, v in settings.items()}
    read = lambda model: listed(client.get_trace_settings(model))
    trace_settings(read, lambda model, changes: client.update_trace_settings(model, changes))


def log_settings(read, change):
    before = read()
    assert sorted(before) == [
        "log_error",
        "log_file",
        "log_format",
        "log_info",
        "log_verbose_level",
        "log_warning",
    ], before
    change({"log_verbose_level": 1, "log_warning": True, "log_format": "ISO8601"})
    after = read()
    assert (after["log_verbose_level"], after["log_warning"], after["log_format"]) == (1, True, "ISO8601"), after
    change({name: value for name, value in before.items() if name != "log_file"})
    assert read() == before, read()
    refused(lambda: change({"log_file": "/tmp/x"}), "can not be updated")
    refused(lambda: change({"log_format": "x"}), "invalid argument")


def grpc_log(client):
    def plain(setting):
        return getattr(setting, setting.WhichOneof("parameter_choice"))

    read = lambda: {k: plain(v) for k, v in client.get_log_settings().settings.items()}
    log_settings(read, client.update_log_settings)


def slow_input(module):
    tensor = module.InferInput("X", (8, 64), "FP32")
    tensor.set_data_from_numpy(np.ones((8, 64), np.float32))
    return [tensor]


def canceled_count():
    for line in metric_lines():
        if line.startswith('nv_inference_request_failure{model="busy",reason="CANCELED"'):
            return float(line.split()[-1])
    raise AssertionError("no such metric")


def metric_lines():
    with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=10) as answer:
        return answer.read().decode().splitlines()


def cancel_callbacks(client):
    before = canceled_count()
    answers = queue.Queue()
    calls = [
        client.async_infer("busy", slow_input(grpc_client), lambda result, error: answers.put((result, error)))
        for _ in range(40)
    ]
    for call in calls[2:]:
        call.cancel()
    outcomes = [answers.get(timeout=60) for _ in calls]
    canceled = [error for _, error in outcomes if error is not None]
    assert canceled and all("CANCELLED" in str(error.status()) for error in canceled), canceled
    # What still ran is behind this one, so by now the queue has been looked through.
    client.infer("busy", slow_input(grpc_client))
    assert canceled_count() > before, canceled_count()


async def cancel_tasks():
    async with grpc_aio.InferenceServerClient(GRPC) as client:
        tasks = [asyncio.create_task(client.infer("busy", slow_input(grpc_aio))) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks[1:]:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert not isinstance(outcomes[0], BaseException), outcomes[0]
        assert all(isinstance(one, asyncio.CancelledError) for one in outcomes[1:]), outcomes
        await client.infer("busy", slow_input(grpc_aio))


def metrics():
    """The text as the tests of Prometheus's format want it is checked elsewhere; here it has what clients look for."""
    names = {line.split()[2] for line in metric_lines() if line.startswith("# TYPE ")}
    for name in ("nv_inference_request_success", "nv_inference_queue_duration_us", "nv_pinned_memory_pool_total_bytes"):
        assert name in names, names


def checks(grpc, http):
    """(topic, check, function)"""
    yield "shared memory", "grpc infer", lambda: infer_in_shared_memory(grpc_client, grpc)
    yield "shared memory", "http infer", lambda: infer_in_shared_memory(http_client, http)
    yield "shared memory", "grpc regions", lambda: register_regions(grpc, grpc_statuses)
    yield "shared memory", "http regions", lambda: register_regions(http, http_statuses)
    yield "shared memory", "grpc truncated", lambda: truncated_region(grpc_client, grpc)
    yield "shared memory", "http truncated", lambda: truncated_region(http_client, http)
    yield "shared memory", "CUDA", lambda: no_cuda(grpc, http)
    yield "classification", "grpc", lambda: classify(grpc_client, grpc)
    yield "classification", "http binary", lambda: classify(http_client, http, binary_data=True)
    yield "classification", "http JSON", lambda: classify(http_client, http, binary_data=False)
    yield "parameters", "grpc", lambda: parameters(grpc_client, grpc)
    yield "parameters", "http", lambda: parameters(http_client, http)
    yield "parameters", "stream", lambda: reserved_parameter(grpc)
    yield "settings", "grpc trace", lambda: grpc_trace(grpc)
    yield "settings", "http trace", lambda: http_trace(http)
    yield "settings", "grpc log", lambda: grpc_log(grpc)
    yield "settings", "http log", lambda: log_settings(http.get_log_settings, http.update_log_settings)
    yield "cancellation", "callbacks", lambda: cancel_callbacks(grpc)
    yield "cancellation", "asyncio", lambda: asyncio.run(cancel_tasks())
    yield "metrics", "names", metrics


def main():
    with grpc_client.InferenceServerClient(GRPC) as grpc, http_client.InferenceServerClient(HTTP) as http:
        for topic, check, function in checks(grpc, http):
            try:
                function()
                line = {"topic": topic, "check": check, "ok": True, "detail": ""}
            except Exception:
                line = {"topic": topic, "check": check, "ok": False, "detail": traceback.format_exc(limit=-3)}
            print(json.dumps(line), flush=True)


main()
