"""Asks a running engine everything through the official client: gRPC, HTTP (JSON and binary), asyncio, streams.

Usage: kserve_contract.py GRPC_ENDPOINT HTTP_ENDPOINT
Prints one JSON line for each check: {"topic", "check", "ok", "detail"}. The models are those of
test/support/contract-engine.ts.
"""

import asyncio
import json
import queue
import sys
import traceback

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.grpc.aio as grpc_aio
import tritonclient.http as http_client
import tritonclient.http.aio as http_aio
from tritonclient.utils import InferenceServerException

try:
    from ml_dtypes import bfloat16 as BF16
except ImportError:
    # Older clients take bfloat16 as truncated float32.
    BF16 = np.float32

GRPC, HTTP = sys.argv[1], sys.argv[2]

NUMPY_TYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


def values(datatype, shape, seed=7):
    """Random values over the whole range of the type, its extremes among them."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if datatype == "BYTES":
        texts = [b"", b"text", "gr\u00fc\u00df\u4f60".encode(), bytes(rng.integers(97, 122, 300, dtype=np.uint8))]
        return np.array([texts[i % len(texts)] for i in range(count)], dtype=object).reshape(shape)
    if datatype == "BF16":
        return rng.integers(-128, 128, count).astype(BF16).reshape(shape)
    kind = NUMPY_TYPES[datatype]
    if datatype == "BOOL":
        return rng.integers(0, 2, count).astype(kind).reshape(shape)
    if datatype.startswith("FP"):
        found = rng.standard_normal(count).astype(kind)
        found[:2] = [np.finfo(kind).max, np.finfo(kind).tiny]
        return found.reshape(shape)
    limits = np.iinfo(kind)
    found = rng.integers(limits.min, limits.max, count, dtype=kind, endpoint=True)
    found[:2] = [limits.min, limits.max]
    return found.reshape(shape)


def same(actual, expected):
    assert actual is not None, "no output"
    assert actual.shape == expected.shape, f"shape {actual.shape}, not {expected.shape}"
    assert np.array_equal(actual, expected), f"{actual!r} is not {expected!r}"


def grpc_input(name, data, datatype):
    tensor = grpc_client.InferInput(name, data.shape, datatype)
    tensor.set_data_from_numpy(data)
    return tensor


def http_input(name, data, datatype, binary=True):
    tensor = http_client.InferInput(name, data.shape, datatype)
    tensor.set_data_from_numpy(data, binary_data=binary)
    return tensor


def refused(call, part, status=None):
    try:
        call()
    except InferenceServerException as problem:
        assert part in problem.message(), f"'{part}' is not in '{problem.message()}'"
        assert status is None or status in str(problem.status()), f"status {problem.status()}, not {status}"
        return
    raise AssertionError("was not refused")


def health(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("add_sub")
    assert client.is_model_ready("add_sub", "1")
    assert not client.is_model_ready("nope")
    assert not client.is_model_ready("add_sub", "9")


def metadata_grpc(client):
    server = client.get_server_metadata()
    assert server.name == "perf-ts" and "binary_tensor_data" in server.extensions, server
    model = client.get_model_metadata("add_sub")
    assert model.platform == "onnxruntime_onnx" and list(model.versions) == ["1"], model
    described = [(t.name, t.datatype, list(t.shape)) for t in list(model.inputs) + list(model.outputs)]
    assert described == [(n, "INT32", [-1, 16]) for n in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")], described
    config = client.get_model_config("add_sub").config
    assert config.max_batch_size == 8 and config.HasField("dynamic_batching"), config
    assert config.input[0].data_type == 8 and list(config.input[0].dims) == [16], config
    models = client.get_model_repository_index().models
    assert {(m.name, m.state) for m in models} >= {("add_sub", "READY"), ("identity_bytes", "READY")}, models


def metadata_http(client):
    server = client.get_server_metadata()
    assert server["name"] == "perf-ts" and "binary_tensor_data" in server["extensions"], server
    model = client.get_model_metadata("add_sub")
    assert model["platform"] == "onnxruntime_onnx" and model["versions"] == ["1"], model
    described = [(t["name"], t["datatype"], t["shape"]) for t in model["inputs"] + model["outputs"]]
    assert described == [(n, "INT32", [-1, 16]) for n in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")], described
    config = client.get_model_config("add_sub")
    assert config["max_batch_size"] == 8 and "dynamic_batching" in config, config
    assert config["input"][0]["data_type"] == "TYPE_INT32" and config["input"][0]["dims"] == [16], config
    models = client.get_model_repository_index()
    assert {(m["name"], m.get("state")) for m in models} >= {("add_sub", "READY"), ("identity_bytes", "READY")}, models


def infer_grpc(client, datatype):
    data = values(datatype, (2, 6))
    model = f"identity_{datatype.lower()}"
    result = client.infer(model, [grpc_input("INPUT0", data, datatype)], request_id="r7")
    same(result.as_numpy("OUTPUT0"), data)
    response = result.get_response()
    assert (response.model_name, response.model_version, response.id) == (model, "1", "r7"), response
    empty = values(datatype, (1, 4))[:, :0]
    same(client.infer(model, [grpc_input("INPUT0", empty, datatype)]).as_numpy("OUTPUT0"), empty)


def infer_http(client, datatype, binary_in, binary_out):
    data = values(datatype, (2, 6))
    model = f"identity_{datatype.lower()}"
    wanted = [http_client.InferRequestedOutput("OUTPUT0", binary_data=binary_out)]
    result = client.infer(model, [http_input("INPUT0", data, datatype, binary_in)], outputs=wanted, request_id="r7")
    actual = result.as_numpy("OUTPUT0")
    if datatype == "BYTES" and not binary_out:
        actual = np.array([text.encode() for text in actual.flatten()], dtype=object).reshape(actual.shape)
    same(actual, data)
    assert result.get_response()["id"] == "r7"


def non_utf8_bytes(grpc, http):
    data = np.array([[b"\xff\x00\xfe", b""]], dtype=object)
    same(grpc.infer("identity_bytes", [grpc_input("INPUT0", data, "BYTES")]).as_numpy("OUTPUT0"), data)
    tensors = [http_input("INPUT0", data, "BYTES")]
    same(http.infer("identity_bytes", tensors).as_numpy("OUTPUT0"), data)
    wanted = [http_client.InferRequestedOutput("OUTPUT0", binary_data=False)]
    refused(lambda: http.infer("identity_bytes", tensors, outputs=wanted), "ask for binary data", "400")


def add_sub(client, make_input, make_output):
    a, b = values("INT32", (3, 16), 1) // 2, values("INT32", (3, 16), 2) // 2
    tensors = [make_input("INPUT0", a, "INT32"), make_input("INPUT1", b, "INT32")]
    result = client.infer("add_sub", tensors)
    same(result.as_numpy("OUTPUT0"), a + b)
    same(result.as_numpy("OUTPUT1"), a - b)
    result = client.infer("add_sub", tensors, outputs=[make_output("OUTPUT1")])
    assert result.as_numpy("OUTPUT0") is None
    same(result.as_numpy("OUTPUT1"), a - b)
    same(client.infer("add_sub", tensors, model_version="1").as_numpy("OUTPUT0"), a + b)


def typed_contents(client):
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    stub = client._client_stub
    assert isinstance(stub, service_pb2_grpc.GRPCInferenceServiceStub)
    request = service_pb2.ModelInferRequest(model_name="add_sub")
    for name in ("INPUT0", "INPUT1"):
        tensor = request.inputs.add(name=name, datatype="INT32", shape=[1, 16])
        tensor.contents.int_contents.extend(range(-8, 8))
    response = stub.ModelInfer(request)
    same(np.frombuffer(response.raw_output_contents[0], np.int32), np.arange(-16, 16, 2, dtype=np.int32))


def statistics(read, infer):
    before = read()
    for _ in range(5):
        infer()
    after = read()
    assert after["execution_count"] - before["execution_count"] == 5, (before, after)
    assert after["inference_count"] - before["inference_count"] == 15, (before, after)
    assert after["success"] - before["success"] == 5, (before, after)
    assert after["infer_ns"] > before["infer_ns"], (before, after)
    assert after["last"] > 1_600_000_000_000, after


def read_grpc_statistics(client):
    found = client.get_inference_statistics("add_sub").model_stats[0]
    return {
        "execution_count": found.execution_count,
        "inference_count": found.inference_count,
        "success": found.inference_stats.success.count,
        "infer_ns": found.inference_stats.compute_infer.ns,
        "last": found.last_inference,
    }


def read_http_statistics(client):
    found = client.get_inference_statistics("add_sub")["model_stats"][0]
    return {
        "execution_count": found["execution_count"],
        "inference_count": found["inference_count"],
        "success": found["inference_stats"]["success"]["count"],
        "infer_ns": found["inference_stats"]["compute_infer"]["ns"],
        "last": found["last_inference"],
    }


def errors(client, make_input, make_output, not_found, invalid):
    a = np.zeros((1, 16), np.int32)
    good = [make_input("INPUT0", a, "INT32"), make_input("INPUT1", a, "INT32")]

    def infer(tensors=good, model="add_sub", **more):
        return lambda: client.infer(model, tensors, **more)

    refused(infer(model="nope"), "unknown model: 'nope'", not_found)
    refused(infer(model_version="9"), "version 9", not_found)
    refused(lambda: client.get_model_metadata("nope"), "nope", not_found)
    refused(lambda: client.get_model_config("nope"), "nope", not_found)
    refused(lambda: client.get_inference_statistics("nope"), "nope", invalid)
    wrong_shape = np.zeros((1, 15), np.int32)
    refused(infer([make_input("INPUT0", wrong_shape, "INT32"), good[1]]), "INPUT0", invalid)
    flat = np.zeros(4, np.int32)
    refused(infer([make_input(name, flat, "INT32") for name in ("INPUT0", "INPUT1")]), "unexpected shape", invalid)
    refused(infer([make_input("INPUT0", np.zeros((1, 16), np.float32), "FP32"), good[1]]), "INPUT0", invalid)
    big = np.zeros((9, 16), np.int32)
    refused(infer([make_input("INPUT0", big, "INT32"), make_input("INPUT1", big, "INT32")]), "8", invalid)
    two = np.zeros((2, 16), np.int32)
    refused(infer([make_input("INPUT0", two, "INT32"), good[1]]), "INPUT", invalid)
    refused(infer([good[0]]), "INPUT1", invalid)
    refused(infer([*good, make_input("EXTRA", a, "INT32")]), "EXTRA", invalid)
    refused(infer(outputs=[make_output("NOPE")]), "NOPE", invalid)
    assert client.infer("add_sub", good).as_numpy("OUTPUT0") is not None


def compressed_http(client, algorithm):
    data = values("FP32", (4, 500))
    tensors = [http_input("INPUT0", data, "FP32")]
    result = client.infer("identity_fp32", tensors, request_compression_algorithm=algorithm)
    same(result.as_numpy("OUTPUT0"), data)


def compressed_grpc(client, algorithm):
    data = values("FP32", (4, 500))
    result = client.infer("identity_fp32", [grpc_input("INPUT0", data, "FP32")], compression_algorithm=algorithm)
    same(result.as_numpy("OUTPUT0"), data)


def large(grpc, http):
    data = values("FP32", (2, 1_500_000))
    same(grpc.infer("identity_fp32", [grpc_input("INPUT0", data, "FP32")]).as_numpy("OUTPUT0"), data)
    same(http.infer("identity_fp32", [http_input("INPUT0", data, "FP32")]).as_numpy("OUTPUT0"), data)


def stream(client):
    """Answers of one stream come in the order of its requests, and an error is one answer among them."""
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    data = [values("FP32", (1, 5), seed) for seed in range(20)]
    for index, one in enumerate(data):
        model = "nope" if index == 7 else "identity_fp32"
        client.async_stream_infer(model, [grpc_input("INPUT0", one, "FP32")], request_id=str(index))
    for index, one in enumerate(data):
        result, error = answers.get(timeout=20)
        if index == 7:
            assert error is not None and "nope" in error.message(), error
            continue
        assert error is None, error
        assert result.get_response().id == str(index)
        assert result.get_response().parameters["triton_final_response"].bool_param
        same(result.as_numpy("OUTPUT0"), one)
    client.stop_stream()


def callbacks(client):
    answers = queue.Queue()
    data = [values("FP32", (1, 5), seed) for seed in range(40)]
    for index, one in enumerate(data):
        tensors = [grpc_input("INPUT0", one, "FP32")]
        client.async_infer("identity_fp32", tensors, lambda result, error, i=index: answers.put((i, result, error)))
    for _ in data:
        index, result, error = answers.get(timeout=20)
        assert error is None, error
        same(result.as_numpy("OUTPUT0"), data[index])


async def gather_infer(module, endpoint, make_input):
    async with module.InferenceServerClient(endpoint) as client:
        assert await client.is_server_ready()
        data = [values("INT64", (1 + seed % 3, 4), seed) for seed in range(60)]
        results = await asyncio.gather(
            *(client.infer("identity_int64", [make_input("INPUT0", one, "INT64")]) for one in data)
        )
        for result, one in zip(results, data):
            same(result.as_numpy("OUTPUT0"), one)


def checks(grpc, http):
    """(topic, check, function)"""
    yield "health", "grpc", lambda: health(grpc)
    yield "health", "http", lambda: health(http)
    yield "metadata", "grpc", lambda: metadata_grpc(grpc)
    yield "metadata", "http", lambda: metadata_http(http)
    for datatype in [*NUMPY_TYPES, "BYTES", "BF16"]:
        yield "infer", f"grpc {datatype}", lambda d=datatype: infer_grpc(grpc, d)
        yield "infer", f"http {datatype} binary", lambda d=datatype: infer_http(http, d, True, True)
        if datatype in ("FP16", "BF16"):
            continue
        yield "infer", f"http {datatype} JSON", lambda d=datatype: infer_http(http, d, False, False)
        yield "infer", f"http {datatype} JSON to binary", lambda d=datatype: infer_http(http, d, False, True)
        yield "infer", f"http {datatype} binary to JSON", lambda d=datatype: infer_http(http, d, True, False)
    yield "infer", "BYTES that are no text", lambda: non_utf8_bytes(grpc, http)
    yield "infer", "grpc add_sub", lambda: add_sub(grpc, grpc_input, grpc_client.InferRequestedOutput)
    yield "infer", "http add_sub", lambda: add_sub(http, http_input, http_client.InferRequestedOutput)
    yield "infer", "grpc typed contents", lambda: typed_contents(grpc)
    yield "infer", "large", lambda: large(grpc, http)
    for algorithm in ("gzip", "deflate"):
        yield "infer", f"http {algorithm}", lambda a=algorithm: compressed_http(http, a)
        yield "infer", f"grpc {algorithm}", lambda a=algorithm: compressed_grpc(grpc, a)
    rows = [grpc_input(name, np.ones((3, 16), np.int32), "INT32") for name in ("INPUT0", "INPUT1")]
    infer = lambda: grpc.infer("add_sub", rows)
    yield "statistics", "grpc", lambda: statistics(lambda: read_grpc_statistics(grpc), infer)
    yield "statistics", "http", lambda: statistics(lambda: read_http_statistics(http), infer)
    yield "errors", "grpc", lambda: errors(
        grpc, grpc_input, grpc_client.InferRequestedOutput, "NOT_FOUND", "INVALID_ARGUMENT"
    )
    yield "errors", "http", lambda: errors(http, http_input, http_client.InferRequestedOutput, "404", "400")
    yield "concurrent", "grpc stream", lambda: stream(grpc)
    yield "concurrent", "grpc callbacks", lambda: callbacks(grpc)
    yield "concurrent", "grpc asyncio", lambda: asyncio.run(gather_infer(grpc_aio, GRPC, grpc_input))
    yield "concurrent", "http asyncio", lambda: asyncio.run(gather_infer(http_aio, HTTP, http_input))


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
