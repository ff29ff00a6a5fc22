"""The file format as JSON Schema (draft 2020-12), for editors and for whoever writes plans with a tool.

Made from the definitions the loader reads with. `python -m infra.campaigns.schema` writes schema.json; a test says when
that was forgotten. Cross-references and sums are the loader's; a schema cannot see them.
"""

import json
from pathlib import Path

from infra.campaigns.plan import CAMPAIGN
from infra.campaigns.shapes import Definitions, Schema

PUBLISHED = Path(__file__).parent / "schema.json"


def campaign_schema() -> Schema:
    definitions = Definitions()
    root = CAMPAIGN.schema(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A campaign plan of the life benefits hall",
        **root,
        "$defs": {name: definitions.parts[name] for name in sorted(definitions.parts)},
    }


def written() -> str:
    """The document as it is published."""
    return json.dumps(campaign_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PUBLISHED.write_text(written(), encoding="utf-8")
