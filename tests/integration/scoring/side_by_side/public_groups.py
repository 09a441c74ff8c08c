"""Scripts as people publish them, with the requests that their readmes send."""

import pickle
import struct

from tests.integration.scoring.side_by_side.cases import JSON, TEXT, Case, Group, get, given

REGRESSION = {"coef": [float(number) for number in range(10)], "intercept": 152.5}
ROWS = [list(range(1, 11)), list(range(10, 0, -1))]
MODEL = {"AZUREML_MODEL_DIR": "azureml-models/model/1"}
FOLDER = "azureml-models/model/1"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + struct.pack(">II", 640, 480)
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n'
    b"Content-Type: image/png\r\n\r\n" + PNG + b"\r\n--b--\r\n"
)
UPLOADED = {"Content-Type": "multipart/form-data; boundary=b"}
VERSIONS = tuple(get(f"/swagger.json?version={version}") for version in ("2", "3", "3.1"))
BANK = {"age": 50, "job": "x", "balance": 1.5, "owner": True}

GROUPS = {
    "diabetes": Group(
        "public/diabetes",
        (
            given("the guide's request", {"data": ROWS}),
            given("one row", {"data": [ROWS[0]]}),
            given("too few columns", {"data": [[1, 2]]}),
            given("no data", {"rows": ROWS}),
            given("no JSON", b"data"),
            given("nothing", b""),
            given(
                "as curl -d sends it",
                {"data": ROWS},
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            ),
            get("/score?data=[[1,2,3,4,5,6,7,8,9,10]]"),
            get("/"),
        ),
        MODEL,
        {f"{FOLDER}/sklearn_regression_model.pkl": pickle.dumps(REGRESSION)},
        bare=False,
    ),
    "dumps": Group(
        "public/dumps",
        (given("rows", {"data": [[1, 2], [3, 4]]}), given("no data", {}), *VERSIONS),
        MODEL,
        {f"{FOLDER}/model.json": '{"name": "m", "weights": [1, 10]}'},
    ),
    "classifier": Group(
        "public/classifier",
        (given("one", {"data": [1, 2]}), given("words", {"data": ["a"]})),
        MODEL,
        {f"{FOLDER}/labels.txt": "cat\ndog\n", f"{FOLDER}/weights.csv": "1,2\n3,-1\n"},
        bare=False,
    ),
    "numpy results": Group(
        "public/numpy_result",
        tuple(
            given(kind, {"data": [1, 2], "kind": kind}) for kind in ("int64", "float64", "array")
        ),
        bare=False,
    ),
    "image": Group(
        "public/image",
        (
            Case("uploaded", body=UPLOAD, headers=UPLOADED),
            Case("as the body", body=PNG, headers={"Content-Type": "image/png"}),
            Case("as octets", body=PNG, headers={"Content-Type": "application/octet-stream"}),
            Case("no type", body=PNG),
            Case("no image", body=b"x", headers=TEXT),
            get("/score?size=1"),
            Case("OPTIONS", method="OPTIONS"),
            Case("HEAD", method="HEAD"),
            *VERSIONS,
        ),
    ),
    "cors": Group(
        "public/cors",
        (
            Case("a preflight", method="OPTIONS", headers={"Origin": "http://www.example.com"}),
            given("text", {"text": "é"}),
            given("no text", {}),
            given("no JSON", b"{"),
            Case("GET", method="GET"),
        ),
    ),
    "errors": Group(
        "public/errors",
        (
            given("good", {"id": 1}),
            given("negative", {"id": -1}),
            given("no id", {}),
            given("no JSON", b"{"),
            given("a list", [1]),
        ),
    ),
    "headers": Group(
        "public/headers",
        (
            given(
                "all",
                {"a": 1},
                headers={**JSON, "x-ms-request-id": "m", "X-TENANT": "t", "User-Agent": "ua"},
            ),
            given("none", {"a": 1}),
            get("/score?a=1", headers={"x-tenant": "t"}),
        ),
    ),
    "two models": Group(
        "public/two_models",
        (
            given("the first", {"x": 3}),
            given("the second", {"x": 3, "model": "b/2/b.txt"}),
            given("a third", {"x": 3, "model": "c"}),
        ),
        {"AZUREML_MODEL_DIR": "azureml-models"},
        {
            "azureml-models/a/1/a.txt": "10",
            "azureml-models/b/2/b.txt": "0.5",
            "source/features.py": "def scaled(x):\n    return x * 2\n",
        },
    ),
    "automl": Group(
        "public/automl",
        (
            given(
                "predict",
                {
                    "Inputs": {"data": [BANK, {**BANK, "age": 20}]},
                    "GlobalParameters": {"method": "predict"},
                },
            ),
            given(
                "probabilities",
                {"Inputs": {"data": [BANK]}, "GlobalParameters": {"method": "predict_proba"}},
            ),
            given("by default", {"Inputs": {"data": [BANK]}}),
            given(
                "another method",
                {"Inputs": {"data": [BANK]}, "GlobalParameters": {"method": "guess"}},
            ),
            given("no inputs", {"data": [BANK]}),
            *VERSIONS,
        ),
        bare=False,
    ),
    "old automl": Group(
        "public/automl_old",
        (
            given("rows", {"data": [{"vendor": 1, "hour": 2}, {"vendor": 3, "hour": 4}]}),
            given("lists", {"data": [[1, 2], [3, 4]]}),
            given("a wrong type", {"data": [{"vendor": "x", "hour": 2}]}),
            given("no data", {}),
            *VERSIONS,
        ),
        bare=False,
    ),
    "text": Group(
        "public/text",
        (
            given("one", {"inputs": "a b c d"}),
            given("two", {"inputs": ["a", "ü"]}),
            get("/score?inputs=a+b+c+d+e"),
            get("/score?inputs=a&inputs=b"),
            get("/score"),
            given("a list", [1]),
        ),
    ),
    "stream": Group(
        "public/stream",
        (
            given("words", {"prompt": "one two three"}),
            given("no prompt", {}),
            given("words, HTTP/1.0", {"prompt": "one two"}, version="1.0"),
        ),
    ),
}
