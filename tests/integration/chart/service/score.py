def init() -> None:
    pass


def run(data: object) -> object:
    return data
