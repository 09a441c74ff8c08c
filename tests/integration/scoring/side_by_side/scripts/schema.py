"""``@input_schema`` with the standard types, a default, an optional value and the headers."""

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("data", StandardPythonParameterType([1, 2, 3]))
@input_schema("scale", StandardPythonParameterType(2.5))
@input_schema("label", StandardPythonParameterType("text"))
@output_schema(StandardPythonParameterType({"result": 1.5, "label": "x"}))
def run(data, scale=1.0, *, label="none", request_headers):
    if label == "boom":
        raise ValueError(label)
    if label == "headers":
        return sorted(request_headers)
    return {"result": sum(data) * scale, "label": label, "types": [type(data).__name__]}
