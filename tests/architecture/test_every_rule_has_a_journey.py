"""Each rule of the two plans has a journey named after its code, or a reason why not yet stands here."""

import re
from pathlib import Path

JOURNEYS = Path(__file__).parents[1] / "journeys"
RULES = {f"A{n}" for n in range(1, 28)} | {f"B{n}" for n in range(1, 19)}

ELSEWHERE = {
    "A19": "monitoring: figures of a running campaign, which the hall does not gather yet",
    "A20": "the funnel by channel, of the same figures",
    "A21": "the figures afterwards, of the same",
    "A24": "complaints: customers' service is not built yet",
    "A26": "the rehearsal is a benchmark: `hall bench --only till` holds the Friday rush",
    "A27": "the white paper, made of A21's figures",
    "B11": "prospects: card applications are told by events only, their page is not built yet",
    "B14": "the survey is not built yet",
    "B15": "the effect before against after, of A21's figures",
    "B17": "what partners deliver: their side of a delivery is not built yet",
}
"""Rules without a journey. A line goes when its journey comes."""


def test_every_rule_of_the_plans_has_a_journey_named_after_its_code() -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in JOURNEYS.glob("test_*.py"))
    lived = {code.upper() for code in re.findall(r"def test_([ab]\d+)_", text)}

    assert lived <= RULES
    assert lived & ELSEWHERE.keys() == set(), "no reason is needed any more"
    assert lived | ELSEWHERE.keys() == RULES, "these have neither a journey nor a reason"
