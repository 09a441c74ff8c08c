"""Types within types, and one that Swagger 2 cannot tell."""

import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

frame = PandasParameterType(pd.DataFrame({"a": [1], "b": [2.5]}))
array = NumpyParameterType(np.array([[1.5, 2.0]]))
nested = StandardPythonParameterType(
    {"frame": frame, "array": array, "text": StandardPythonParameterType("x")}
)
parameters = StandardPythonParameterType({"mode": "fast", "depth": 3})


def init():
    pass


@input_schema(param_name="Inputs", param_type=nested)
@input_schema(param_name="GlobalParameters", param_type=parameters, convert_to_provided_type=False)
@output_schema(output_type=StandardPythonParameterType({"Results": [True, 1]}))
def run(Inputs, GlobalParameters={"mode": "slow"}):
    kinds = {name: type(value).__name__ for name, value in Inputs.items()}
    return {"Results": [kinds, Inputs["array"].tolist(), GlobalParameters]}
