"""Names that people mean: well-known packages, and what their modules are called instead."""

import difflib

from packaging.utils import canonicalize_name

MODULES = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python-headless",
    "pil": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "attr": "attrs",
    "pytorch": "torch",
    "tensorflow-gpu": "tensorflow",
    "google-protobuf": "protobuf",
    "jwt": "pyjwt",
    "crypto": "pycryptodome",
    "serial": "pyserial",
    "mysqldb": "mysqlclient",
    "fitz": "pymupdf",
    "magic": "python-magic",
    "azureml": "azureml-core",
}
"""Import name, or a name of former times, to the package of today."""

_NAMES = """
    absl-py accelerate adlfs aiohttp albumentations altair annoy anyio applicationinsights
    asyncpg attrs autogluon azure-ai-ml azure-core azure-identity azure-keyvault-secrets
    azure-storage-blob azureml-core azureml-defaults azureml-inference-server-http azureml-sdk
    beautifulsoup4 bokeh boto3 cachetools catboost category-encoders certifi click cloudpickle
    cryptography cvxpy cython dask databricks-sdk datasets debugpy diffusers dill dowhy duckdb
    econml einops eli5 evaluate fairlearn faiss-cpu fastapi fastparquet fasttext featuretools
    flask fsspec gensim geopandas google-cloud-storage gradio graphviz grpcio gunicorn h5py
    holidays httpx huggingface-hub hyperopt imbalanced-learn imageio inference-schema interpret
    ipykernel ipython jax jaxlib jinja2 joblib jsonschema jupyter kafka-python keras langchain
    librosa lifelines lightgbm lime llvmlite lxml matplotlib mlflow mlxtend monai mysqlclient
    networkx neuralprophet nltk numba numexpr numpy nvidia-ml-py onnx onnxruntime
    onnxruntime-gpu openai opencv-python opencv-python-headless openpyxl opentelemetry-api
    optuna orjson packaging pandas pandera paramiko patsy pillow pip plotly pmdarima polars
    prometheus-client prophet protobuf psutil psycopg2-binary psycopg2 pyarrow pycaret pydantic
    pymongo pymupdf pymysql pyodbc pyspark pytest python-dateutil python-dotenv
    pytorch-lightning pytz pyyaml rasterio ray redis regex requests rich safetensors sacremoses
    scikit-image scikit-learn scipy seaborn sentence-transformers sentencepiece setuptools shap
    shapely simpletransformers six skl2onnx sktime soundfile spacy sqlalchemy statsmodels
    streamlit sympy tabulate tensorboard tensorflow tensorflow-cpu tensorflow-hub textblob thinc
    threadpoolctl tiktoken timm tokenizers torch torchaudio torchmetrics torchvision tqdm
    transformers tslearn typer typing-extensions ujson umap-learn urllib3 uvicorn wandb werkzeug
    wheel wordcloud xarray xgboost xlrd yellowbrick zstandard
"""
KNOWN = tuple(_NAMES.split())


def did_you_mean(name: str) -> str | None:
    """Return the well-known package that ``name`` comes close to, if it is not one itself."""
    wanted = str(canonicalize_name(name))
    if wanted in MODULES:
        return MODULES[wanted]
    close = difflib.get_close_matches(wanted, KNOWN, n=1, cutoff=0.75)
    return close[0] if close and close[0] != wanted else None
