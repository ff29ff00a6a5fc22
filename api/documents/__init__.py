"""Trusted documents: the operations of our own apps, by the SHA-256 of their text.

An app sends the hash alone. A document that is out in the world is never edited: another one is put beside it.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

DIRECTORY = Path(__file__).parent


def trusted_documents() -> Mapping[str, str]:
    """SHA-256 in hexadecimal -> text, of every `.graphql` file here."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(DIRECTORY.glob("*.graphql"))]
    return {sha256(text.encode()).hexdigest(): text for text in texts}
