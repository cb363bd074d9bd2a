"""TLS as the official client sees it: tls_contract.py HOST:PORT ROOT CERTIFICATE KEY IS_MUTUAL. Prints a JSON line for each check."""
import json
import sys

import numpy as np
import tritonclient.grpc as grpc

endpoint, root, certificate, key, is_mutual = sys.argv[1:6]


def check(name, expects, **credentials):
    try:
        client = grpc.InferenceServerClient(endpoint, **credentials)
        tensor = grpc.InferInput("INPUT0", [2, 3], "FP32")
        values = np.arange(6, dtype=np.float32).reshape(2, 3)
        tensor.set_data_from_numpy(values)
        found = []
        for algorithm in (None, "gzip", "deflate"):
            answer = client.infer("identity", [tensor], compression_algorithm=algorithm)
            found.append(np.array_equal(answer.as_numpy("OUTPUT0"), values))
        found = "answered" if all(found) else "answered wrongly"
    except Exception as error:  # the kind does not matter, only that nothing came through
        found = "refused"
        message = str(error)
    detail = message if found == "refused" else found
    print(json.dumps({"topic": "tls", "check": name, "ok": found == expects, "detail": detail}))


own = {"ssl": True, "root_certificates": root, "private_key": key, "certificate_chain": certificate}
check("with a certificate", "answered", **own)
check("without a certificate", "refused" if is_mutual == "true" else "answered", ssl=True, root_certificates=root)
check("in cleartext", "refused")
