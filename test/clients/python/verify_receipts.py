"""Reads {"jwks": ..., "receipts": [...]} from stdin and prints what each receipt says, by PyJWT alone."""

import json
import sys

import jwt

given = json.load(sys.stdin)
keys = jwt.PyJWKSet.from_dict(given["jwks"])
for receipt in given["receipts"]:
    key = keys[jwt.get_unverified_header(receipt)["kid"]]
    print(json.dumps(jwt.decode(receipt, key.key, algorithms=["ES256"])))
