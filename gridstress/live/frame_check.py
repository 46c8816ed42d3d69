"""Frames from another program, checked before they are sent."""

from gridstress.kafka.topics import MAX_FRAME_BYTES
from topology.codec import decode, encode
from topology.errors import MessageError
from topology.grid import Grid, zone_indices
from topology.messages import MeasurementFrame


def read_frame(line: bytes, grid: Grid) -> MeasurementFrame:
    """Read a frame as the workers would.

    Parameters
    ----------
    line
        A MeasurementFrame as JSON (``docs/messages.md``).

    Raises
    ------
    MessageError
        If it is no frame, is too large, or names a zone or node that the grid does not have there.
    """
    _check_size(len(line))
    frame = decode(line, MeasurementFrame)
    zone_indices(frame.nodes, frame.zone, grid)
    if len(line) > MAX_FRAME_BYTES // 3:  # written by us, 1e6 is 1000000.0
        _check_size(len(encode(frame)))
    return frame


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        problem = f"a frame of {size:,} bytes; at most {MAX_FRAME_BYTES:,} are taken"
        raise MessageError("too-large", problem)


def read_frames(body: bytes, grid: Grid) -> list[MeasurementFrame]:
    """Read frames, a line each; blank lines are passed over.

    Raises
    ------
    MessageError
        For the first that cannot be used, naming its line.
    """
    frames = []
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        try:
            frames.append(read_frame(line, grid))
        except MessageError as error:
            raise MessageError(error.reason, f"line {number}: {error}") from None
    return frames
