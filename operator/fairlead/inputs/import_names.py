"""Which package an import comes from where its name does not say so; what packages bring along.

Both tables hold what scoring scripts import; a name that is in neither is the package's own.
"""

from collections.abc import Collection

from packaging.utils import canonicalize_name

DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "attr": ("attrs",),
    "azure": (),  # a namespace of many packages, as some others here
    "backports": (),
    "Bio": ("biopython",),
    "bs4": ("beautifulsoup4",),
    "caffe2": ("torch",),
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
        "opencv",
        "py-opencv",
    ),
    "Crypto": ("pycryptodome", "pycrypto"),
    "dateutil": ("python-dateutil",),
    "dns": ("dnspython",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss"),
    "fitz": ("pymupdf",),
    "google": (),
    "jaraco": (),
    "jose": ("python-jose",),
    "Levenshtein": ("levenshtein", "python-levenshtein"),
    "jwt": ("pyjwt",),
    "keras": ("keras", "tensorflow"),
    "lightgbm": ("lightgbm",),
    "magic": ("python-magic",),
    "msgpack": ("msgpack", "msgpack-python"),
    "mpl_toolkits": ("matplotlib",),
    "MySQLdb": ("mysqlclient",),
    "opencensus": (),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow", "pillow-simd"),
    "pkg_resources": ("setuptools",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "pythoncom": ("pywin32",),
    "ruamel": ("ruamel-yaml",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn", "sklearn"),
    "sklearnex": ("scikit-learn-intelex",),
    "slugify": ("python-slugify",),
    "snowflake": (),
    "tables": ("tables", "pytables"),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "intel-tensorflow"),
    "torch": ("torch", "pytorch", "pytorch-cpu"),
    "umap": ("umap-learn",),
    "usb": ("pyusb",),
    "wx": ("wxpython",),
    "xgboost": ("xgboost", "xgboost-cpu", "py-xgboost"),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
}
"""An import, and the distributions that have it, the usual one first; none: it cannot be told."""

_NUMERIC = ("numpy",)
_TABLES = (*_NUMERIC, "pandas", "python-dateutil", "pytz", "six")
_LEARN = (*_NUMERIC, "scipy", "joblib", "threadpoolctl")
_DEEP = (*_NUMERIC, "six", "requests", "setuptools", "protobuf", "typing-extensions")
BRINGS: dict[str, tuple[str, ...]] = {
    "catboost": (*_TABLES, "scipy", "matplotlib", "pillow"),
    "fastai": (*_TABLES, "torch", "torchvision", "matplotlib", "pillow", "pyyaml", "requests"),
    "azureml-automl-core": (*_TABLES, *_LEARN),
    "azureml-sdk": _TABLES,
    "azureml-train-automl-runtime": (*_TABLES, *_LEARN, "scikit-learn", "lightgbm", "xgboost"),
    "flask": ("werkzeug", "jinja2", "markupsafe", "itsdangerous", "click"),
    "geopandas": (*_TABLES, "shapely", "fiona", "pyproj"),
    "h5py": _NUMERIC,
    "gensim": (*_NUMERIC, "scipy", "six", "smart-open"),
    "imbalanced-learn": (*_LEARN, "scikit-learn"),
    "inference-schema": (*_TABLES, "wrapt"),
    "interpret": (*_TABLES, *_LEARN, "scikit-learn"),
    "keras": (*_DEEP, "h5py", "pyyaml", "scipy"),
    "librosa": (*_LEARN, "scikit-learn", "numba", "soundfile"),
    "lightgbm": (*_LEARN, "scikit-learn"),
    "matplotlib": (*_NUMERIC, "pillow", "python-dateutil", "cycler", "kiwisolver", "pyparsing"),
    "mlflow": (*_TABLES, *_LEARN, *_DEEP, "scikit-learn", "flask", "pyyaml", "click", "matplotlib"),
    "onnx": (*_NUMERIC, "protobuf", "typing-extensions"),
    "onnxruntime": (*_NUMERIC, "protobuf"),
    "onnxruntime-gpu": (*_NUMERIC, "protobuf"),
    "opencv": _NUMERIC,
    "opencv-contrib-python": _NUMERIC,
    "opencv-python": _NUMERIC,
    "opencv-python-headless": _NUMERIC,
    "pandas": _TABLES,
    "prophet": (*_TABLES, "matplotlib"),
    "pytables": _NUMERIC,
    "pytorch-lightning": (*_NUMERIC, "torch", "torchmetrics", "pyyaml", "tqdm"),
    "py-opencv": _NUMERIC,
    "py-xgboost": (*_LEARN, "scikit-learn", "xgboost"),
    "pytorch": (*_NUMERIC, "typing-extensions", "pillow"),
    "requests": ("urllib3", "certifi", "idna", "chardet", "charset-normalizer"),
    "scikit-image": (*_NUMERIC, "scipy", "pillow", "imageio", "networkx"),
    "scikit-learn": _LEARN,
    "scikit-learn-intelex": (*_LEARN, "scikit-learn"),
    "faiss-cpu": _NUMERIC,
    "umap-learn": (*_LEARN, "scikit-learn", "numba"),
    "scipy": _NUMERIC,
    "seaborn": (*_TABLES, "scipy", "matplotlib", "pillow"),
    "sentence-transformers": (*_LEARN, *_DEEP, "scikit-learn", "torch", "transformers", "pillow"),
    "shap": (*_TABLES, *_LEARN, "scikit-learn"),
    "sklearn": (*_LEARN, "scikit-learn"),
    "sklearn-pandas": (*_TABLES, *_LEARN, "scikit-learn"),
    "spacy": (*_NUMERIC, "requests", "setuptools", "jinja2"),
    "statsmodels": (*_TABLES, "scipy", "patsy"),
    "tensorflow": (*_DEEP, "keras", "h5py", "scipy"),
    "tensorflow-cpu": (*_DEEP, "keras", "h5py"),
    "tensorflow-gpu": (*_DEEP, "keras", "h5py"),
    "torch": (*_NUMERIC, "typing-extensions"),
    "torchvision": (*_NUMERIC, "torch", "pillow", "requests"),
    "transformers": (*_NUMERIC, "requests", "pyyaml", "filelock", "tqdm", "huggingface-hub"),
    "xgboost": (*_NUMERIC, "scipy"),
}
"""A distribution, and what its releases have brought along; at times, not always."""


def distributions_of(module: str) -> tuple[str, ...]:
    """The distributions that an import may come from, the usual one first; empty: nobody knows."""
    return DISTRIBUTIONS.get(module, (str(canonicalize_name(module)),))


def with_what_they_bring(distributions: Collection[str]) -> frozenset[str]:
    """Those named, and what they bring along."""
    brought = (other for name in distributions for other in BRINGS.get(name, ()))
    return frozenset((*distributions, *brought))
