# What automated ML generates: pandas in, a JSON string out, errors inside.
import json
import logging

import numpy as np
import pandas as pd
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema

logger = logging.getLogger("azureml.automl.core.scoring_script_forecasting")

data_sample = PandasParameterType(
    pd.DataFrame(
        {
            "age": pd.Series([0], dtype="int64"),
            "job": pd.Series(["example_value"], dtype="object"),
            "balance": pd.Series([0.0], dtype="float64"),
            "owner": pd.Series([False], dtype="bool"),
        }
    )
)
input_sample = StandardPythonParameterType({"data": data_sample})
method_sample = StandardPythonParameterType("predict")
sample_global_params = StandardPythonParameterType({"method": method_sample})

result_sample = NumpyParameterType(np.array(["example_value"]))
output_sample = StandardPythonParameterType({"Results": result_sample})


def init():
    global model
    logger.info("Loading model from path.")
    model = {"yes": 40}


@input_schema("GlobalParameters", sample_global_params, convert_to_provided_type=False)
@input_schema("Inputs", input_sample)
@output_schema(output_sample)
def run(Inputs, GlobalParameters={"method": "predict"}):
    data = Inputs["data"]
    if GlobalParameters.get("method", None) == "predict_proba":
        result = np.where(data["age"] > model["yes"], 0.9, 0.1)
    elif GlobalParameters.get("method", None) == "predict":
        result = np.where(data["age"] > model["yes"], "yes", "no")
    else:
        raise Exception(f"Invalid predict method argument received. {GlobalParameters}")
    return {"Results": result.tolist()}
