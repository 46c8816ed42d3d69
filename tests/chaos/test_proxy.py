import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import Proxy, Ways


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: bytes, within_s: float = 5
) -> bytes:
    writer.write(word)
    return await asyncio.wait_for(reader.read(100), within_s)


async def test_what_is_sent_comes_back(echo: int) -> None:
    async with Proxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await ask(reader, writer, b"hello") == b"hello"
        writer.close()


async def test_a_cut_ends_connections_and_refuses_new_ones_until_mended(echo: int) -> None:
    async with Proxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await ask(reader, writer, b"hello")
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        again, to_it = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(again.readexactly(1), 5)
        to_it.close()
        proxy.mend()
        again, to_it = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await ask(again, to_it, b"back") == b"back"
        to_it.close()


async def test_what_is_held_back_comes_later_and_in_order(echo: int) -> None:
    async with Proxy(echo) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await ask(reader, writer, b"hello")
        proxy.stall()
        with pytest.raises(TimeoutError):
            await ask(reader, writer, b"one", 0.3)
        writer.write(b" two")
        proxy.mend()
        assert await asyncio.wait_for(reader.readexactly(7), 5) == b"one two"
        writer.close()


async def test_all_ways_of_a_worker_are_cut_and_mended_together(echo: int) -> None:
    async with Proxy(echo) as first, Proxy(echo) as second:
        ways = Ways([first, second])
        ways.cut()
        for address in ways.addresses.split(","):
            reader, writer = await asyncio.open_connection(*address.split(":"))
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 5)
            writer.close()
        ways.mend()
        for address in ways.addresses.split(","):
            reader, writer = await asyncio.open_connection(*address.split(":"))
            assert await ask(reader, writer, b"back") == b"back"
            writer.close()
