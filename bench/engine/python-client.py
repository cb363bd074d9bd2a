"""Latency of the official Python client, one request at a time: python-client.py HOST:PORT MODEL COUNT. Prints JSON."""
import gc
import json
import sys
import time

import numpy as np
import tritonclient.grpc as grpc

endpoint, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = grpc.InferenceServerClient(endpoint)
tensor = grpc.InferInput("INPUT0", [1, 16], "FP32")
tensor.set_data_from_numpy(np.arange(16, dtype=np.float32).reshape(1, 16))
pauses = []
began = [0]


def on_gc(phase, _info):
    if phase == "start":
        began[0] = time.perf_counter_ns()
    else:
        pauses.append(time.perf_counter_ns() - began[0])


for _ in range(300):
    client.infer(model, [tensor])
gc.callbacks.append(on_gc)
times = []
for _ in range(count):
    start = time.perf_counter_ns()
    client.infer(model, [tensor])
    times.append((time.perf_counter_ns() - start) / 1000)
times.sort()
at = lambda share: round(times[min(len(times) - 1, int(share * len(times)))])
print(json.dumps({"p50Us": at(0.5), "p90Us": at(0.9), "p99Us": at(0.99), "maxUs": round(times[-1]), "gcPauses": len(pauses), "gcMaxUs": round(max(pauses, default=0) / 1000)}))
