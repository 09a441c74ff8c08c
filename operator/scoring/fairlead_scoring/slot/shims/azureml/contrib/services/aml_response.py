"""The old name of ``azureml_inference_server_http.api.aml_response``: the very same module."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("azureml_inference_server_http.api.aml_response")
