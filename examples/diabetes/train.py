"""Trains the model of the example: ridge regression on scikit-learn's own diabetes data."""

import sys

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

FILE = "sklearn_regression_model.pkl"


def main(folder: str) -> None:
    features, target = load_diabetes(return_X_y=True)
    joblib.dump(Ridge(alpha=0.03).fit(features, target), f"{folder}/{FILE}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
