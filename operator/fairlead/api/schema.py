"""pydantic's JSON Schema, made structural: the subset that a CustomResourceDefinition may hold.

The rules are those of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema: no ``$ref``, no ``anyOf`` with
``null``, no ``const``, no ``additionalProperties: false``.
"""

import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from fairlead.api.attribute_docstrings import attribute_docstrings
from fairlead.api.wire import VALIDATIONS

Schema = dict[str, Any]
KEPT = (  # in the order in which they are written
    "description", "type", "format", "enum", "default", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "required",
)  # fmt: skip
NESTED = {"properties", "items", "additionalProperties", "propertyNames"}
SELF = re.compile(r"\bself\b")
DROPPED = {"title", "$defs", "const"}


def structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of ``model``, every string, list and map of it bounded.

    Raises ``ValueError`` naming the place where a bound is missing or a keyword has no
    structural form. Without ``defaults`` none are written (status: what is not known is absent).
    """
    raw = model.model_json_schema(by_alias=True, schema_generator=_Described)
    schema = _convert(raw, raw.get("$defs", {}), model.__name__)
    return schema if defaults else _without_defaults(schema)


class _Described(GenerateJsonSchema):
    """With the docstrings of fields, which no program but this one needs."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        model = schema["cls"]
        for name, text in attribute_docstrings(model).items():
            field = described["properties"][model.model_fields[name].alias or name]
            field.setdefault("description", text)
        return described


def _convert(raw: Schema, definitions: Schema, place: str) -> Schema:
    raw = _flattened(raw, definitions)
    _refuse_unknown(raw, place)
    if "const" in raw:
        raw = {**raw, "enum": [raw["const"]]}
    schema = {key: raw[key] for key in KEPT if key in raw}
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())  # the source's line ends
    schema.update({key: value for key, value in raw.items() if key.startswith("x-")})
    if "properties" in raw:
        schema["properties"] = {
            name: _convert(field, definitions, f"{place}.{name}")
            for name, field in raw["properties"].items()
        }
    if "items" in raw:
        schema["items"] = _convert(raw["items"], definitions, f"{place}[]")
    if isinstance(raw.get("additionalProperties"), dict):
        values = _convert(raw["additionalProperties"], definitions, f"{place}{{}}")
        schema["additionalProperties"] = values
        schema[VALIDATIONS] = [_rule_of_keys(raw, place), *schema.get(VALIDATIONS, ())]
    _refuse_unbounded(schema, place)
    return schema


def _rule_of_keys(raw: Schema, place: str) -> Schema:
    """What holds for each key of a map: a structural schema can only say it as a rule of the map.

    The answer begins with the first key that is wrong (naming them all exceeds the API server's
    budget for rules); of a key that holds a line end the API server shows the message alone.
    """
    keys = raw.get("propertyNames") or {}
    if "maxLength" not in keys:
        raise ValueError(f"{place}: the keys of a map need maxLength")
    shortest, longest = keys.get("minLength", 0), keys["maxLength"]
    rules = keys.get(VALIDATIONS, ())
    lengths = f"key.size() >= {shortest} && key.size() <= {longest}"
    rule = " && ".join([lengths, *(f"({SELF.sub('key', each['rule'])})" for each in rules)])
    wanted = [f"must have {shortest} to {longest} characters", *(each["message"] for each in rules)]
    message = f"each key {', and '.join(wanted)}"
    named = f"self.filter(key, !({rule}))[0] + {_cel(f': {message}')}"
    return {"message": message, "messageExpression": named, "rule": f"self.all(key, {rule})"}


def _cel(text: str) -> str:
    """``text`` as a string of CEL, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _flattened(raw: Schema, definitions: Schema) -> Schema:
    """Inline ``$ref`` and reduce ``anyOf: [X, null]`` to X; what stands beside them wins."""
    while "$ref" in raw or "anyOf" in raw:
        beside = {key: value for key, value in raw.items() if key not in ("$ref", "anyOf")}
        if "$ref" in raw:
            inner = definitions[raw["$ref"].rsplit("/", 1)[-1]]
        else:
            choices = [choice for choice in raw["anyOf"] if choice != {"type": "null"}]
            if len(choices) != 1:
                raise ValueError(f"a union has no structural form: {raw}")
            inner = choices[0]
        raw = {**inner, **beside}
    if raw.get("default", ...) is None:
        raw = {key: value for key, value in raw.items() if key != "default"}
    return raw


def _refuse_unknown(raw: Schema, place: str) -> None:
    known = {*KEPT, *NESTED, *DROPPED}
    unknown = {key for key in raw if key not in known and not key.startswith("x-")}
    if unknown:
        raise ValueError(f"{place}: {', '.join(sorted(unknown))} has no structural form")


def _refuse_unbounded(schema: Schema, place: str) -> None:
    kind = schema.get("type")
    timestamp = schema.get("format") == "date-time"
    if kind == "string" and not ({"maxLength", "enum"} & schema.keys() or timestamp):
        raise ValueError(f"{place}: a string needs maxLength")
    if kind == "array" and "maxItems" not in schema:
        raise ValueError(f"{place}: a list needs maxItems")
    if "additionalProperties" in schema and "maxProperties" not in schema:
        raise ValueError(f"{place}: a map needs maxProperties")


def _without_defaults(schema: Schema) -> Schema:
    kept = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in kept:
        kept["properties"] = {k: _without_defaults(v) for k, v in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = _without_defaults(kept["items"])
    return kept
