"""A progress bar that draws nothing and counts."""


class CountingBar:
    """What a bar was given."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.closed = False

    def update(self, size: int) -> None:
        self.done += size

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        self.closed = True
