"""Reading a body that may be large, up to a limit."""

from __future__ import annotations

from fastapi import Request
from scanwright.agent.server.uploads import TooLarge
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.wording import size_in_words


async def whole_body(request: Request, most: int) -> bytes:
    """The body. Raises TooLarge as soon as it is more than most bytes, and UserInputError where it is empty."""
    body = bytearray()
    async for data in request.stream():
        body += data
        if len(body) > most:
            raise TooLarge(f"That is more than {size_in_words(most)}, the most that is taken here.")
    if not body:
        raise UserInputError("Nothing was sent: the mask is empty (0 bytes).")
    return bytes(body)
