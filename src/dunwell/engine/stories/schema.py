"""The JSON Schema of a story file, for editors: made from what the reader itself reads."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dunwell.engine.book import ATTRIBUTE_TYPES, CHARGES
from dunwell.engine.plan import OUTCOMES
from dunwell.engine.policy.model import Policy
from dunwell.engine.promising import PROMISE_STATES
from dunwell.engine.stories.expectations import FIELDS
from dunwell.engine.stories.format import AMOUNT, EVENTS, NAME, NAMES, Account, Expect

_DATE: Final = {"type": "string", "format": "date"}
_OR_NOT: Final = {"type": "null"}
# What an entry of an expected list may say of these fields; of the others, a name or nothing.
_OF_FIELDS: Final[dict[str, dict[str, Any]]] = {
    **dict.fromkeys(("total", "due", "charges", "fee", "amount"), AMOUNT),
    "level": {"type": "integer"},
    "stage": {"anyOf": [{"type": "string"}, _OR_NOT]},
    "deadline": {"anyOf": [_DATE, _OR_NOT]},
    "until": {"anyOf": [_DATE, _OR_NOT]},
    "charge": {"enum": list(CHARGES)},
    "first": {"type": "boolean"},
    "items": NAMES,
    "listed": NAMES,
    "channels": NAMES,
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a story file. What names mean to each other is known when a story is played."""
    models: list[type[BaseModel]] = [Policy, Account, Expect, *dict.fromkeys(EVENTS.values())]
    ref_of, parts = models_json_schema([(model, "validation") for model in models])
    definitions = parts["$defs"]
    definitions.pop("Amount", None)  # no file says it so
    refs = {model: ref_of[model, "validation"] for model in models}
    _expected_lists(definitions[refs[Expect]["$ref"].rpartition("/")[2]]["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dunwell story",
        "description": "A timeline: what happens on which day, and what must come of it.",
        "type": "object",
        "properties": _keys(refs[Policy], refs[Account]) | {"steps": _steps(refs)},
        "required": ["story", "steps"],
        "oneOf": [{"required": ["policy"]}, {"required": ["policies"]}],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _keys(policy: dict[str, Any], account: dict[str, Any]) -> dict[str, Any]:
    """What stands beside the steps."""
    told = {"anyOf": [{"type": "string", "description": "a path from the story's folder"}, policy]}
    entity = {"type": "object", "properties": {"entity": NAME}, "required": ["entity"], "additionalProperties": False}
    rates = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number"}}
    types = {"type": "object", "additionalProperties": {"enum": list(ATTRIBUTE_TYPES)}}
    return {
        "story": {**NAME, "description": "what it shows, in a sentence"},
        "policy": told,
        "policies": {"type": "array", "items": told},
        "entities": {"anyOf": [{"type": "array", "items": entity}, _OR_NOT]},
        "accounts": {"anyOf": [{"type": "array", "items": account}, _OR_NOT]},
        "attributes": {"anyOf": [types, _OR_NOT]},
        "rates": {"type": "object", "additionalProperties": rates},
    }


def _steps(refs: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """Steps: each event once, or several times in a list."""
    events = {**{name: refs[model] for name, model in EVENTS.items()}, "set": refs[Account]}
    step = {
        "type": "object",
        "properties": {
            "on": _DATE,
            **{name: {"anyOf": [event, {"type": "array", "items": event}]} for name, event in events.items()},
            "expect": refs[Expect],
        },
        "required": ["on"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": step, "minItems": 1}


def _expected_lists(keys: dict[str, Any]) -> None:
    """Say of what the reader takes as any mapping what it will be compared with."""
    for key, fields in FIELDS.items():
        properties = {name: _OF_FIELDS.get(name, {"anyOf": [NAME, _OR_NOT]}) for name in fields}
        if "task" in properties:
            properties["kind"] = properties["task"]  # as the comparison takes it, too
        entry = {"type": "object", "properties": properties, "additionalProperties": False}
        others = [form for form in keys[key]["anyOf"] if form.get("type") != "array"]
        keys[key] = {**keys[key], "anyOf": [{"type": "array", "items": entry}, *others]}
    outcomes = {"type": "object", "additionalProperties": {"enum": list(OUTCOMES)}}
    keys["outcomes"] = {**keys["outcomes"], "anyOf": [outcomes, _OR_NOT]}
    states = {"type": "object", "additionalProperties": {"enum": list(PROMISE_STATES)}}
    keys["promises"] = {**keys["promises"], "anyOf": [states, _OR_NOT]}
