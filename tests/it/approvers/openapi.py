"""Holds answers to the schemas of an OpenAPI document: one question a line, one verdict a line."""
import json
import sys

from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

document = json.loads(sys.stdin.readline())
validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema"}).check_schema(
    {"$defs": document["components"]["schemas"]}
)
for line in sys.stdin:
    asked = json.loads(line)
    operation = document["paths"][asked["path"]][asked["method"]]
    responses = operation["responses"]
    response = responses.get(str(asked["status"])) or responses["default"]
    if "$ref" in response:
        response = document["components"]["responses"]["Problem"]
    content = response["content"].get(asked["type"])
    if content is None:
        print(json.dumps([f"no content of type {asked['type']}"]), flush=True)
        continue
    schema = {"components": document["components"], **content["schema"]}
    errors = Draft202012Validator(schema).iter_errors(asked["body"])
    print(json.dumps([f"{list(error.absolute_path)}: {error.message}" for error in errors]), flush=True)
