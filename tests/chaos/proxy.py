"""A TCP proxy that cuts connections on demand, or holds back what goes over them."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Self

CHUNK = 1 << 16


class Proxy:
    """Forwards ``127.0.0.1:port`` to ``127.0.0.1:target`` while it is entered.

    Attributes
    ----------
    connections
        Pairs of connections that are open now.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._flows = asyncio.Event()
        self._flows.set()
        self._cut = False
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        return len(self._pumps)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        self._drop()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection, and each new one as it comes."""
        self._cut = True
        self._drop()

    def stall(self) -> None:
        """Hold back every byte; connections stay, and new ones are accepted."""
        self._flows.clear()

    def mend(self) -> None:
        """Let everything flow again, what was held back first."""
        self._cut = False
        self._flows.set()

    def _drop(self) -> None:
        for pump in self._pumps:
            pump.cancel()

    async def _forward(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        writers = [to_client]
        try:
            if not self._cut:
                await self._flows.wait()
                broker, to_broker = await asyncio.open_connection("127.0.0.1", self.target)
                writers.append(to_broker)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(client, to_broker))
                    both.create_task(self._pump(broker, to_client))
        except* OSError:
            pass  # either side has gone: so has the connection
        except* asyncio.CancelledError:
            pass  # cut
        finally:
            self._pumps.discard(task)
            for writer in writers:
                writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._flows.wait()
            sink.write(data)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()


class Ways:
    """One worker's ways to all brokers, a proxy each: broken together, and mended together."""

    def __init__(self, proxies: Sequence[Proxy]) -> None:
        self._proxies = proxies

    @property
    def addresses(self) -> str:
        """Bootstrap servers for clients of this proxy."""
        return ",".join(f"127.0.0.1:{proxy.port}" for proxy in self._proxies)

    def cut(self) -> None:
        """As `Proxy.cut`."""
        for proxy in self._proxies:
            proxy.cut()

    def stall(self) -> None:
        """As `Proxy.stall`."""
        for proxy in self._proxies:
            proxy.stall()

    def mend(self) -> None:
        """As `Proxy.mend`."""
        for proxy in self._proxies:
            proxy.mend()
