"""What is said where a script asks for more of ``azureml.core`` than there is."""


def missing(name: str) -> str:
    """``name`` is what follows ``azureml.core.``."""
    return (
        f"azureml.core.{name} is not part of what Fairlead provides (Model.get_model_path): "
        "name azureml-core in the conda or requirements file and import it in the entry script "
        "itself (else it counts as provided, unless FAIRLEAD_AZUREML_PACKAGES is asked), or remove "
        "the import"
    )
