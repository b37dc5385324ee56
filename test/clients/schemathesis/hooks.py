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
