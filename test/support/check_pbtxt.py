"""Reads model configurations in text form with Google's parser and NVIDIA's schema, neither of which is ours.

Usage: check_pbtxt.py < lines, each a JSON text holding one config.pbtxt. Prints one JSON line each: the config as
protobuf's JSON mapping, and the same config in text form as Google's printer writes it; or the error.
"""
import json
import sys

from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2

for line in sys.stdin:
    try:
        config = text_format.Parse(json.loads(line), model_config_pb2.ModelConfig())
        answer = {
            "config": json_format.MessageToDict(config, preserving_proto_field_name=True),
            "text": text_format.MessageToString(config),
        }
    except text_format.ParseError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
