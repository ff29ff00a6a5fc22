"""What is shown on a screen and read by a machine: a signed, short-lived text, and the same as a QR code."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import segno
import strawberry

MakePresentation: TypeAlias = Callable[[UUID], tuple[str, datetime]]
"""A thing's id to a fresh payload and its end."""


@strawberry.type(description="What to show to a machine: signed and short-lived, without personal data, taken once.")
class Presentation:
    payload: str = strawberry.field(description="The text to hand over.")
    expires_at: datetime = strawberry.field(description="Until when it is taken, exclusive.")

    @strawberry.field(description="The payload as a QR code: an SVG image.")
    def svg(self) -> str:
        return qr_svg(self.payload)


def qr_svg(text: str) -> str:
    """An SVG document, black on white with the quiet zone, of no fixed size."""
    written = io.BytesIO()
    segno.make(text, error="m", micro=False).save(written, kind="svg", xmldecl=False, omitsize=True, light="#fff")
    return written.getvalue().decode().strip()
