"""Sends the same requests to one server and prints what came back, for two runs to be compared.

Usage: side_by_side.py GRPC_ENDPOINT HTTP_ENDPOINT METRICS_ENDPOINT
Prints one JSON line for each request: {"request", "answer"}. The models are those of test/contract/side-by-side.test.ts.
"""

import json
import os
import sys
import urllib.error
import urllib.request

import grpc
import numpy as np
import tritonclient.grpc.service_pb2 as pb
import tritonclient.grpc.service_pb2_grpc as stubs
import tritonclient.utils.shared_memory as shm
from google.protobuf.json_format import MessageToDict

GRPC, HTTP, METRICS = sys.argv[1:4]
KEY = f"/perf_ts_side_{os.getpid()}"
FLOATS = np.array([[1, 3, 2, 4]], np.float32)


def report(request, answer):
    # The key of the shared memory differs from run to run.
    print(json.dumps({"request": request, "answer": json.loads(json.dumps(answer).replace(KEY, "/KEY"))}), flush=True)


def plain(data):
    """Bodies as JSON where they are, with every number as a float, because 1.0 and 1 are the same in JSON."""
    try:
        return json.loads(data, parse_int=float)
    except ValueError:
        return data.decode("latin1")


def http(request, path, body=None, method=None, endpoint=HTTP):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    verb = method or ("GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{endpoint}{path}", data, method=verb)) as answer:
            report(f"http {request}", {"status": answer.status, "body": plain(answer.read())})
    except urllib.error.HTTPError as error:
        report(f"http {request}", {"status": error.code, "body": plain(error.read())})


def call(request, method, message):
    try:
        answer = getattr(stub, method)(message, timeout=20)
        report(f"grpc {request}", MessageToDict(answer, preserving_proto_field_name=True))
    except grpc.RpcError as error:
        report(f"grpc {request}", {"code": error.code().name, "details": error.details()})


def parameter(value):
    if isinstance(value, bool):
        return pb.InferParameter(bool_param=value)
    if isinstance(value, int):
        return pb.InferParameter(int64_param=value)
    return pb.InferParameter(string_param=value) if isinstance(value, str) else pb.InferParameter(double_param=value)


def parameters(values):
    return {name: parameter(value) for name, value in values.items()}


def infer(request, tensor=None, output=None, top=None, document=None, data=FLOATS, model="identity"):
    """The same request over both protocols: parameters of the input, of the output and of the request itself."""
    shape = list(data.shape)
    entry = {"name": "INPUT0", "datatype": "FP32", "shape": shape}
    entry.update({"parameters": tensor} if tensor else {"data": data.flatten().tolist()})
    body = {"inputs": [entry]}
    if output is not None:
        body["outputs"] = [{"name": "OUTPUT0", "parameters": output}]
    if top is not None:
        body["parameters"] = top
    http(request, f"/v2/models/{model}/infer", {**body, **(document or {})})
    message = pb.ModelInferRequest(
        model_name=model,
        inputs=[
            pb.ModelInferRequest.InferInputTensor(
                name="INPUT0", datatype="FP32", shape=shape, parameters=parameters(tensor or {})
            )
        ],
        parameters=parameters(top or {}),
        **(document or {}),
    )
    if output is not None:
        message.outputs.append(
            pb.ModelInferRequest.InferRequestedOutputTensor(name="OUTPUT0", parameters=parameters(output))
        )
    if not tensor:
        message.raw_input_contents.append(data.tobytes())
    call(request, "ModelInfer", message)


def both(request, path, method, message):
    http(request, path)
    call(request, method, message)


def metadata():
    both("live", "/v2/health/live", "ServerLive", pb.ServerLiveRequest())
    both("ready", "/v2/health/ready", "ServerReady", pb.ServerReadyRequest())
    both("server metadata", "/v2", "ServerMetadata", pb.ServerMetadataRequest())
    for name in ("identity", "add_sub", "nothing"):
        both(f"{name} ready", f"/v2/models/{name}/ready", "ModelReady", pb.ModelReadyRequest(name=name))
        both(f"{name} metadata", f"/v2/models/{name}", "ModelMetadata", pb.ModelMetadataRequest(name=name))
    both("version 9", "/v2/models/identity/versions/9", "ModelMetadata", pb.ModelMetadataRequest(name="identity", version="9"))
    http("index", "/v2/repository/index", b"")
    call("index", "RepositoryIndex", pb.RepositoryIndexRequest())


def inference():
    infer("plain")
    infer("with id", document={"id": "abc"})
    infer("a batch", data=np.repeat(FLOATS, 8, 0))
    infer("too large a batch", data=np.repeat(FLOATS, 9, 0))
    infer("unknown model", model="nothing")
    infer("output by name", output={})
    http("unknown output", "/v2/models/identity/infer", {"inputs": [], "outputs": [{"name": "NO"}]})
    http("no inputs", "/v2/models/identity/infer", {"inputs": []})
    http("no body", "/v2/models/identity/infer", b"")
    http("wrong type", "/v2/models/identity/infer", {"inputs": [{"name": "INPUT0", "datatype": "INT32", "shape": [1, 1], "data": [1]}]})
    http("unknown input", "/v2/models/identity/infer", {"inputs": [{"name": "NO", "datatype": "FP32", "shape": [1, 1], "data": [1]}]})
    tensors = [{"name": f"INPUT{i}", "datatype": "INT32", "shape": [1, 16], "data": list(range(16))} for i in (0, 1)]
    http("add_sub", "/v2/models/add_sub/infer", {"inputs": tensors})
    http("add_sub with one output", "/v2/models/add_sub/infer", {"inputs": tensors, "outputs": [{"name": "OUTPUT1"}]})
    http("add_sub with one input", "/v2/models/add_sub/infer", {"inputs": tensors[:1]})
    http("add_sub of a wrong shape", "/v2/models/add_sub/infer", {"inputs": [{**t, "shape": [1, 4], "data": [1] * 4} for t in tensors]})


def request_parameters():
    infer("own parameters", top={"text": "x", "number": 1, "yes": True, "part": 1.5})
    infer("priority and timeout", top={"priority": 1, "timeout": 1_000_000})
    infer("reserved parameter", top={"triton_x": 1})
    infer("priority of a wrong type", top={"priority": "1"})
    infer("negative priority", top={"priority": -1})
    infer("timeout of a wrong type", top={"timeout": "1"})
    infer("a sequence for a model without", top={"sequence_id": 5, "sequence_start": True})


def classification():
    for count in (1, 2, 9, 0, -1):
        infer(f"{count} classes", output={"classification": count})
    infer("classes of a batch", output={"classification": 2}, data=np.array([[1, 1], [0.1, 2.5]], np.float32))
    infer("classes of a wrong type", output={"classification": "2"})
    ties = {"inputs": [{"name": f"INPUT{i}", "datatype": "INT32", "shape": [1, 16], "data": list(range(16))} for i in (0, 1)]}
    http("classes of integers", "/v2/models/add_sub/infer", {**ties, "outputs": [{"name": "OUTPUT0", "parameters": {"classification": 3}}]})
    http("ties", "/v2/models/add_sub/infer", {**ties, "outputs": [{"name": "OUTPUT1", "parameters": {"classification": 3}}]})


def register(request, name, key, offset, size):
    http(request, f"/v2/systemsharedmemory/region/{name}/register", {"key": key, "offset": offset, "byte_size": size})
    call(f"{request} (again)", "SystemSharedMemoryRegister", pb.SystemSharedMemoryRegisterRequest(name=name, key=key, offset=offset, byte_size=size))


def statuses(request, name=""):
    part = f"/region/{name}" if name else ""
    both(request, f"/v2/systemsharedmemory{part}/status", "SystemSharedMemoryStatus", pb.SystemSharedMemoryStatusRequest(name=name))


def shared_memory():
    statuses("regions at first")
    register("no such object", "none", "/perf_ts_nothing_there", 0, 64)
    register("a key that leads out", "out", "/../out", 0, 64)
    http("too large a region", "/v2/systemsharedmemory/region/large/register", {"key": KEY, "offset": 0, "byte_size": 1 << 30})
    register("a region", "r", KEY, 0, 8192)
    statuses("the regions")
    statuses("one region", "r")
    statuses("an unknown region", "nothing")
    for missing in ("key", "byte_size"):
        body = {"key": KEY, "offset": 0, "byte_size": 64}
        body.pop(missing)
        http(f"a region without {missing}", "/v2/systemsharedmemory/region/m/register", body)
    ref = lambda **more: {"shared_memory_region": "r", "shared_memory_byte_size": 16, **more}
    infer("input in shared memory", tensor=ref())
    infer("input behind the region", tensor=ref(shared_memory_offset=8190))
    infer("input in an unknown region", tensor=ref(shared_memory_region="nothing"))
    infer("input of a wrong size", tensor=ref(shared_memory_byte_size=12))
    infer("input of no size", tensor={"shared_memory_region": "r"})
    infer("output in shared memory", output=ref(shared_memory_offset=4096))
    report("output in the region", shm.get_contents_as_numpy(handle, np.float32, (1, 4), 4096).tolist())
    infer("output in too little", output=ref(shared_memory_byte_size=8))
    infer("output behind the region", output=ref(shared_memory_offset=8190))
    infer("output in an unknown region", output=ref(shared_memory_region="nothing"))
    infer("output in shared memory as classes", output=ref(classification=1))
    http("unregister an unknown one", "/v2/systemsharedmemory/region/nothing/unregister", b"")
    http("unregister", "/v2/systemsharedmemory/region/r/unregister", b"")
    call("unregister all", "SystemSharedMemoryUnregister", pb.SystemSharedMemoryUnregisterRequest())
    statuses("regions at last")
    both("CUDA regions", "/v2/cudasharedmemory/status", "CudaSharedMemoryStatus", pb.CudaSharedMemoryStatusRequest())
    http("CUDA region", "/v2/cudasharedmemory/region/c/register", {"raw_handle": {"b64": "YWJj"}, "device_id": 0, "byte_size": 3})
    http("CUDA unregister", "/v2/cudasharedmemory/unregister", b"")


def change_trace(request, model, document):
    http(request, f"/v2/models/{model}/trace/setting" if model else "/v2/trace/setting", document)
    value = lambda v: pb.TraceSettingRequest.SettingValue(value=[] if v is None else v if isinstance(v, list) else [str(v)])
    settings = {name: value(v) for name, v in document.items()}
    call(request, "TraceSetting", pb.TraceSettingRequest(model_name=model, settings=settings))


def settings():
    both("trace settings", "/v2/trace/setting", "TraceSetting", pb.TraceSettingRequest())
    both("trace of an unknown model", "/v2/models/nothing/trace/setting", "TraceSetting", pb.TraceSettingRequest(model_name="nothing"))
    change_trace("trace rate", "", {"trace_rate": "7", "log_frequency": "3"})
    change_trace("trace rate of a model", "identity", {"trace_rate": "9", "trace_count": "4"})
    both("trace of the other model", "/v2/models/add_sub/trace/setting", "TraceSetting", pb.TraceSettingRequest(model_name="add_sub"))
    change_trace("trace rate cleared", "identity", {"trace_rate": None})
    change_trace("trace level", "", {"trace_level": ["TIMESTAMPS"]})
    change_trace("trace file", "", {"trace_file": "/tmp/x"})
    change_trace("trace rate that is none", "", {"trace_rate": "x"})
    change_trace("trace count too small", "", {"trace_count": "-5"})
    change_trace("unknown trace setting", "", {"foo": "x"})
    change_trace("trace cleared", "", {"trace_rate": None, "log_frequency": None})
    value = pb.LogSettingsRequest.SettingValue
    both("log settings", "/v2/logging", "LogSettings", pb.LogSettingsRequest())
    http("log changed", "/v2/logging", {"log_info": False, "log_verbose_level": 1, "log_format": "ISO8601"})
    call("log changed back", "LogSettings", pb.LogSettingsRequest(settings={"log_info": value(bool_param=True), "log_verbose_level": value(uint32_param=0), "log_format": value(string_param="default")}))
    http("log file", "/v2/logging", {"log_file": "/tmp/x"})
    call("log file", "LogSettings", pb.LogSettingsRequest(settings={"log_file": value(string_param="/tmp/x")}))
    call("log switch of a wrong type", "LogSettings", pb.LogSettingsRequest(settings={"log_info": value(string_param="x")}))
    http("log switch of a wrong type", "/v2/logging", {"log_info": "x"})
    http("log format", "/v2/logging", {"log_format": "x"})
    http("unknown log setting", "/v2/logging", {"foo": "x"})


def paths():
    http("unknown path", "/v2/nothing")
    http("wrong method", "/v2/models/identity/infer")
    http("wrong method of a region", "/v2/systemsharedmemory/region/r/unregister")
    http("metrics by POST", "/metrics", b"", endpoint=METRICS)


def fields(value):
    """The names of all members, with those of list elements once."""
    if isinstance(value, dict):
        return {name: fields(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [fields(value[0])] if value else []
    return type(value).__name__


def statistics():
    with urllib.request.urlopen(f"http://{HTTP}/v2/models/identity/stats") as answer:
        found = json.loads(answer.read())
    model = found["model_stats"][0]
    # What memory there is to tell of depends on the backend.
    model["memory_usage"] = []
    report("http statistics fields", fields(found))
    counts = {name: part["count"] for name, part in model["inference_stats"].items()}
    report("http statistics counts", {**counts, "inferences": model["inference_count"]})
    answer = stub.ModelStatistics(pb.ModelStatisticsRequest(name="identity"))
    answer.model_stats[0].ClearField("memory_usage")
    model = answer.model_stats[0]
    # By message, because protobuf leaves out durations that happen to be 0.
    for part in (model, model.inference_stats, model.batch_stats[0]):
        report(f"grpc fields of {part.DESCRIPTOR.name}", sorted(field.name for field, _ in part.ListFields()))
    both("statistics of an unknown model", "/v2/models/nothing/stats", "ModelStatistics", pb.ModelStatisticsRequest(name="nothing"))


def metrics():
    with urllib.request.urlopen(f"http://{METRICS}/metrics") as answer:
        report("metrics content type", answer.headers["content-type"])
        lines = answer.read().decode().splitlines()
    for line in sorted(line for line in lines if line.startswith("#")):
        report(f"metrics {' '.join(line.split()[:3])}", line)
    samples = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
    for sample in sorted(samples):
        report(f"metrics {sample}", sample)


with grpc.insecure_channel(GRPC) as channel:
    stub = stubs.GRPCInferenceServiceStub(channel)
    handle = shm.create_shared_memory_region("side", KEY, 8192)
    shm.set_shared_memory_region(handle, [FLOATS])
    try:
        for part in (metadata, inference, request_parameters, classification, shared_memory, settings, paths):
            part()
        statistics()
        metrics()
    finally:
        shm.destroy_shared_memory_region(handle)
