"""What is said where a script asks for more of ``azureml.core`` than there is."""


def missing(name: str) -> str:
    """``name`` is what follows ``azureml.core.``."""
    return (
        f"azureml.core.{name} is not part of what Fairlead provides (Model.get_model_path): "
        "add azureml-core to the conda or requirements file, or remove the import"
    )
