"""What every client does, in Python: see ../steps.md. Prints one JSON document."""

import hashlib
import json
import os
import sys
from pathlib import Path

from opensearchpy import OpenSearch, helpers
from opensearchpy.exceptions import TransportError


def connect(url, token, ca):
    # docs: connect
    client = OpenSearch(
        hosts=[url],
        headers={"authorization": f"Bearer {token}"},
        http_compress=True,  # both ways
        ca_certs=ca,
    )
    # docs: end
    return client


index = os.environ["OPENSEARCH_INDEX"]
client = connect(os.environ["OPENSEARCH_URL"], os.environ["OPENSEARCH_TOKEN"], os.environ.get("OPENSEARCH_CA"))
ids = json.loads(Path(__file__).parent.parent.joinpath("ids.json").read_text("utf-8"))["ids"]
results = {}


def digest(values):
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def failure(work):
    try:
        work()
    except TransportError as error:
        return {"class": type(error).__name__, "status": error.status_code, "error": error.error, "info": error.info}
    raise AssertionError("No answer with an error")


results["info"] = client.info()

results["create"] = client.indices.create(
    index=index,
    body={
        "settings": {"number_of_shards": 1, "number_of_replicas": 0},
        "mappings": {"properties": {"n": {"type": "integer"}, "group": {"type": "keyword"}, "text": {"type": "text"}}},
    },
)

notes = (
    {"_index": index, "_id": f"note-{n}", "n": n, "group": f"g{n % 10}", "text": f"note {n} – über {n % 7} 🚀"}
    for n in range(10_000)
)
results["bulk"] = [helpers.bulk(client, notes, chunk_size=2_500, refresh=True), client.count(index=index)]

results["search"] = client.search(
    index=index,
    body={
        "query": {"bool": {"must": {"match": {"text": "über"}}, "filter": {"range": {"n": {"gte": 4321}}}}},
        "sort": [{"n": "desc"}],
        "size": 5,
        "track_total_hits": True,
        "highlight": {"fields": {"text": {}}},
        "aggs": {"groups": {"terms": {"field": "group", "order": {"_key": "asc"}}, "aggs": {"mean": {"avg": {"field": "n"}}}}},
    },
)

found = client.search(index=index, body={"size": 10_000, "sort": [{"n": "asc"}]})["hits"]["hits"]
results["largeSearch"] = [len(found), digest([[hit["_id"], hit["_source"]] for hit in found])]

scrolled = [hit["_source"]["n"] for hit in helpers.scan(client, index=index, size=1_500, query={"sort": [{"n": "asc"}]}, preserve_order=True)]
results["scroll"] = [len(scrolled), digest(scrolled)]

point = client.create_pit(index=index, keep_alive="1m")["pit_id"]
pages, after = [], {}
for _ in range(3):
    body = {"size": 400, "pit": {"id": point, "keep_alive": "1m"}, "sort": [{"n": "asc"}], **after}
    hits = client.search(body=body)["hits"]["hits"]
    pages.append([len(hits), hits[0]["_id"], hits[-1]["_id"]])
    after = {"search_after": hits[-1]["sort"]}
results["pointInTime"] = [pages, [pit["successful"] for pit in client.delete_pit(body={"pit_id": [point]})["pits"]]]

results["msearch"] = client.msearch(
    body=[
        {"index": index},
        {"query": {"term": {"group": "g1"}}, "size": 1, "sort": [{"n": "asc"}]},
        {"index": f"{index}-missing"},
        {"query": {"match_all": {}}},
        {"index": index},
        {"query": {"ids": {"values": ["note-7"]}}},
    ]
)

results["update"] = [
    client.update(index=index, id="note-1", body={"doc": {"text": "changed"}}, params={"_source": "true", "refresh": "true"}),
    client.update(index=index, id="note-1", body={"doc": {"text": "changed"}}),
    client.update(index=index, id="late", body={"doc": {"n": 1}, "doc_as_upsert": True}),
]

results["exists"] = [
    client.exists(index=index, id="note-1"),
    client.exists(index=index, id="nobody"),
    client.indices.exists(index=index),
    client.indices.exists(index=f"{index}-missing"),
]

results["ids"] = [
    [
        name,
        client.index(index=index, id=name, body={"name": name}),
        client.get(index=index, id=name),
        client.exists(index=index, id=name),
        client.delete(index=index, id=name),
    ]
    for name in ids
]

results["deleteByQuery"] = [
    client.delete_by_query(index=index, refresh=True, body={"query": {"term": {"group": "g3"}}}),
    client.count(index=index),
]

results["errors"] = [
    failure(lambda: client.search(index=f"{index}-missing")),
    failure(lambda: client.get(index=index, id="nobody")),
    failure(lambda: client.create(index=index, id="note-1", body={"n": 1})),
    failure(lambda: client.search(index=index, body={"query": {"nonsense": {}}})),
    failure(lambda: client.indices.create(index=index)),
    failure(lambda: client.index(index=index, id="bad", body={"n": "no number"})),
]

client.indices.delete(index=index)
json.dump(results, sys.stdout)
