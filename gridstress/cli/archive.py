"""``gridstress archive``: keep every run in files, beside Kafka."""


def archive() -> None:
    """Write every run to Parquet files (GRIDSTRESS_ARCHIVE_DIR), until stopped.

    Exit codes: 3 broker, 4 a topic does not fit or the position cannot be read, 1 the files cannot
    be written. Nothing is lost then: the next start goes on where the files end.
    """
    import asyncio

    from gridstress.archive.archiver import Archiver
    from gridstress.archive.files import Archive
    from gridstress.cli.interrupt import stop_event
    from gridstress.logs import quiet_client
    from gridstress.settings import load_settings

    quiet_client()
    settings = load_settings()

    async def run() -> None:
        with Archive.locked(settings.archive_dir) as files:
            await Archiver(settings, files).run(stop_event())

    asyncio.run(run())
