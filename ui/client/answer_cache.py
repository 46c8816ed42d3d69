"""Answers that single pages need, fetched lazily and shared by all viewers."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from topology.errors import GridstressError
from ui.client.refusals import ApiError

logger = logging.getLogger(__name__)

KEPT = 96
MAX_QUESTION = 1000
"""Characters. A browser may send anything; no names of ours make a longer question."""

Answer = TypeVar("Answer")
Key = tuple[str | int, ...]


class OnDemand:
    """Keeps the last answer of each question; many threads may ask.

    Those who ask the same thing at the same time wait for one answer; different questions do not
    wait for each other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Key, tuple[int, Any]] = OrderedDict()
        # Gone with the last who waits for the answer.
        self._asking: WeakValueDictionary[Key, Lock] = WeakValueDictionary()
        self._failed = False

    def take_failed(self) -> bool:
        """Whether a question got no answer since this was asked last: pages lack it."""
        with self._lock:
            failed, self._failed = self._failed, False
        return failed

    def known(self, key: Key) -> Any:
        """The last answer, None if there was none; sends no request."""
        with self._lock:
            return self._kept.get(key, (0, None))[1]

    def get(
        self,
        key: Key,
        version: int,
        ask: Callable[[], Answer],
        whole: Callable[[Answer], bool] = lambda _: True,
    ) -> Answer | None:
        """The answer of that version, asked for if it is not kept, and again until it is whole.

        What does not exist or is refused is None. When the workers fail it is the last one known.
        """
        if len(repr(key)) > MAX_QUESTION:
            return None
        with self._lock:
            turn = self._asking.setdefault(key, Lock())
        with turn:
            with self._lock:
                kept: tuple[int, Answer | None] = self._kept.get(key, (-1, None))
            if kept[0] == version and (kept[1] is None or whole(kept[1])):
                return kept[1]
            answer: Answer | None
            try:
                answer = ask()
            except ApiError:
                answer = None
            except GridstressError as error:
                logger.debug("no answer about %s: %s", key, error)
                with self._lock:
                    self._failed = True
                return kept[1]
            with self._lock:
                self._kept[key] = (version, answer)
                self._kept.move_to_end(key)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return answer
