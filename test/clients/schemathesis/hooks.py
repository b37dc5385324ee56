import json
import os

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """An answer that was cut by filter_path lacks what its schema requires: the description says so, JSON Schema cannot."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and "parameters" in operation:
                operation["parameters"] = [
                    one for one in operation["parameters"] if not one.get("$ref", "").endswith("/FilterPath")
                ]


@schemathesis.hook
def after_call(context, case, response):
    """Whoever runs it wants to know how far each operation was reached."""
    with open(os.environ["SCHEMATHESIS_SEEN"], "a") as seen:
        seen.write(json.dumps([case.operation.method.upper(), case.operation.path, response.status_code]) + "\n")
