"""Loads and unloads models of a running engine through the official client, over gRPC and HTTP.

Usage: repository_contract.py GRPC_ENDPOINT HTTP_ENDPOINT MODEL_FILE
The engine runs with explicit model control and holds the models `a` and `b`, none of them loaded; both are MODEL_FILE,
an add_sub over INT32[16]. Prints one JSON line for each check: {"topic", "check", "ok", "detail"}.
"""

import json
import sys
import time
import traceback

import numpy as np
import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
from tritonclient.utils import InferenceServerException

GRPC, HTTP = sys.argv[1], sys.argv[2]
with open(sys.argv[3], "rb") as file:
    MODEL = file.read()


def index_of(client):
    """{(name, version): (state, reason)}, however the protocol writes what is absent."""
    index = client.get_model_repository_index()
    if isinstance(index, list):
        rows = [(row["name"], row.get("version", ""), row.get("state", ""), row.get("reason", "")) for row in index]
    else:
        rows = [(row.name, row.version, row.state, row.reason) for row in index.models]
    return {(name, version): (state, reason) for name, version, state, reason in rows}


def config_of(client, name):
    if isinstance(client, http_client.InferenceServerClient):
        return client.get_model_config(name)
    return client.get_model_config(name, as_json=True)["config"]


def infer(client, name, rows=1):
    module = http_client if isinstance(client, http_client.InferenceServerClient) else grpc_client
    data = np.arange(rows * 16, dtype=np.int32).reshape(rows, 16)
    inputs = []
    for tensor in ("INPUT0", "INPUT1"):
        one = module.InferInput(tensor, data.shape, "INT32")
        one.set_data_from_numpy(data)
        inputs.append(one)
    assert np.array_equal(client.infer(name, inputs).as_numpy("OUTPUT0"), data + data)


def refused(function, *words):
    try:
        function()
    except InferenceServerException as error:
        assert all(word in str(error) for word in words), str(error)
        return
    raise AssertionError("it was not refused")


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def load_and_unload(client):
    client.load_model("a")
    assert client.is_model_ready("a")
    infer(client, "a")
    assert index_of(client)[("a", "1")] == ("READY", "")
    client.unload_model("a")
    assert not client.is_model_ready("a")
    wait_for(lambda: index_of(client)[("a", "1")] == ("UNAVAILABLE", "unloaded"))
    refused(lambda: infer(client, "a"), "unknown model")
    assert client.is_server_ready()


def config_override(client):
    client.load_model("b", config=json.dumps({"max_batch_size": 2}))
    assert int(config_of(client, "b")["max_batch_size"]) == 2
    refused(lambda: infer(client, "b", 3), "batch")
    client.load_model("b")
    assert int(config_of(client, "b")["max_batch_size"]) == 4
    infer(client, "b", 3)
    client.unload_model("b", unload_dependents=True)


def file_override(client):
    client.load_model("made", config="{}", files={"file:7/model.onnx": MODEL})
    assert client.is_model_ready("made", "7") and not client.is_model_ready("made", "1")
    infer(client, "made")
    client.unload_model("made")
    assert not client.is_model_ready("made")


def refusals(client):
    refused(lambda: client.load_model("nobody"), "failed to load 'nobody'", "failed to poll from model repository")
    refused(lambda: client.load_model("../a"))
    refused(lambda: client.load_model("a", files={"file:1/model.onnx": MODEL}), "config")
    refused(lambda: client.load_model("a", config="{", files={}), "not JSON")
    refused(lambda: client.load_model("a", config='{"colour": 1}'), "colour")
    for path in ("../../x.onnx", "/tmp/x.onnx"):
        refused(lambda: client.load_model("a", config="{}", files={f"file:{path}": MODEL}), "path within")
    refused(lambda: client.load_model("a", config="{}", files={"file:1/model.onnx": b"no model"}), "load failed for model 'a'")
    client.unload_model("nobody")


def instance_group(client):
    client.load_model("a", config=json.dumps({"instance_group": [{"kind": "KIND_CPU", "count": 1}]}))
    infer(client, "a")
    client.load_model("a", config=json.dumps({"instance_group": [{"kind": "KIND_CPU", "count": 3}]}))
    infer(client, "a")
    assert int(config_of(client, "a")["instance_group"][0]["count"]) == 3
    client.unload_model("a")


def main():
    topics = {
        "load and unload": load_and_unload,
        "config override": config_override,
        "file override": file_override,
        "refusals": refusals,
        "instance group": instance_group,
    }
    with grpc_client.InferenceServerClient(GRPC) as grpc, http_client.InferenceServerClient(HTTP) as http:
        for topic, function in topics.items():
            for protocol, client in (("grpc", grpc), ("http", http)):
                try:
                    function(client)
                    line = {"topic": topic, "check": protocol, "ok": True, "detail": ""}
                except Exception:
                    line = {"topic": topic, "check": protocol, "ok": False, "detail": traceback.format_exc(limit=-3)}
                print(json.dumps(line), flush=True)


main()
