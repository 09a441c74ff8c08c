"""``NumpyParameterType``, as the old guide's second script has it."""

import numpy as np
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.schema_decorators import input_schema, output_schema

input_sample = np.array([[10, 9, 8], [7, 6, 5]])
output_sample = np.array([3726.995])


def init():
    pass


@input_schema("data", NumpyParameterType(input_sample))
@output_schema(NumpyParameterType(output_sample))
def run(data):
    if data.shape[0] == 3:
        return data.sum(axis=1)  # not JSON
    return {"dtype": str(data.dtype), "sum": data.sum(axis=1).tolist()}
