"""``PandasParameterType``, with a date and a text among its columns."""

import pandas as pd
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.schema_decorators import input_schema, output_schema

sample = pd.DataFrame(
    {"age": [30, 40], "name": ["a", "b"], "when": pd.to_datetime(["2020-01-01", "2021-02-03"])}
)
output_sample = pd.DataFrame({"age": [1]})


def init():
    pass


@input_schema("Inputs", PandasParameterType(sample, enforce_shape=False))
@output_schema(PandasParameterType(output_sample))
def run(Inputs):
    return {"columns": list(Inputs.columns), "ages": Inputs["age"].tolist()}
