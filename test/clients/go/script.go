// What every client does, in Go: see ../steps.md. Prints one JSON document.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
	"github.com/opensearch-project/opensearch-go/v4/opensearchutil"
)

func connect(url string, token string, ca []byte) (*opensearchapi.Client, error) {
	// docs: connect
	client, err := opensearchapi.NewClient(opensearchapi.Config{
		Client: opensearch.Config{
			Addresses:           []string{url},
			Header:              http.Header{"Authorization": []string{"Bearer " + token}},
			CompressRequestBody: true, // of what is sent; Go asks for compressed answers by itself
			CACert:              ca,
		},
	})
	// docs: end
	return client, err
}

type object = map[string]any

var ctx = context.Background()

func must[T any](value T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("%T %v", err, err))
	}
	return value
}

func body(value any) *strings.Reader {
	return strings.NewReader(string(must(json.Marshal(value))))
}

func digest(value any) string {
	sum := sha256.Sum256(must(json.Marshal(value)))
	return hex.EncodeToString(sum[:])
}

// The class and the message that the client gives for an answer that is an error.
func failure(err error) object {
	if err == nil {
		panic("no answer with an error")
	}
	var structured *opensearch.StructError
	if errors.As(err, &structured) {
		return object{"class": fmt.Sprintf("%T", err), "status": structured.Status, "error": structured.Err}
	}
	return object{"class": fmt.Sprintf("%T", err), "message": err.Error()}
}

func ids(hits []opensearchapi.SearchHit) []string {
	found := []string{}
	for _, hit := range hits {
		found = append(found, hit.ID)
	}
	return found
}

func main() {
	var ca []byte
	if path, given := os.LookupEnv("OPENSEARCH_CA"); given {
		ca = must(os.ReadFile(path))
	}
	client := must(connect(os.Getenv("OPENSEARCH_URL"), os.Getenv("OPENSEARCH_TOKEN"), ca))
	index := os.Getenv("OPENSEARCH_INDEX")
	indices := []string{index}
	missing := []string{index + "-missing"}
	var names struct{ Ids []string }
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &names); err != nil {
		panic(err)
	}
	results := object{}

	results["info"] = must(client.Info(ctx, nil))

	results["create"] = must(client.Indices.Create(ctx, opensearchapi.IndicesCreateReq{Index: index, Body: body(object{
		"settings": object{"number_of_shards": 1, "number_of_replicas": 0},
		"mappings": object{"properties": object{
			"n": object{"type": "integer"}, "group": object{"type": "keyword"}, "text": object{"type": "text"},
		}},
	})}))

	count := func() int {
		return must(client.Indices.Count(ctx, &opensearchapi.IndicesCountReq{Indices: indices})).Count
	}
	indexer := must(opensearchutil.NewBulkIndexer(opensearchutil.BulkIndexerConfig{
		Client: client, Index: index, FlushBytes: 250_000, Refresh: "true",
	}))
	for n := 0; n < 10_000; n++ {
		note := object{"n": n, "group": fmt.Sprintf("g%d", n%10), "text": fmt.Sprintf("note %d – über %d 🚀", n, n%7)}
		item := opensearchutil.BulkIndexerItem{Action: "index", DocumentID: fmt.Sprintf("note-%d", n), Body: body(note)}
		if err := indexer.Add(ctx, item); err != nil {
			panic(err)
		}
	}
	if err := indexer.Close(ctx); err != nil {
		panic(err)
	}
	stats := indexer.Stats()
	results["bulk"] = []any{stats.NumAdded, stats.NumFlushed, stats.NumFailed, stats.NumIndexed, count()}

	search := func(indices []string, query object) *opensearchapi.SearchResp {
		return must(client.Search(ctx, &opensearchapi.SearchReq{Indices: indices, Body: body(query)}))
	}
	byNumber := []object{{"n": "asc"}}
	results["search"] = search(indices, object{
		"query": object{"bool": object{
			"must": object{"match": object{"text": "über"}}, "filter": object{"range": object{"n": object{"gte": 4321}}},
		}},
		"sort": []object{{"n": "desc"}}, "size": 5, "track_total_hits": true,
		"highlight": object{"fields": object{"text": object{}}},
		"aggs": object{"groups": object{
			"terms": object{"field": "group", "order": object{"_key": "asc"}}, "aggs": object{"mean": object{"avg": object{"field": "n"}}},
		}},
	})

	all := search(indices, object{"size": 10_000, "sort": byNumber}).Hits.Hits
	documents := []any{}
	for _, hit := range all {
		documents = append(documents, []any{hit.ID, hit.Source})
	}
	results["largeSearch"] = []any{len(all), digest(documents)}

	first := must(client.Search(ctx, &opensearchapi.SearchReq{
		Indices: indices, Body: body(object{"size": 1_500, "sort": byNumber}), Params: opensearchapi.SearchParams{Scroll: time.Minute},
	}))
	scrolled, scroll, page := []string{}, *first.ScrollID, first.Hits.Hits
	for len(page) > 0 {
		scrolled = append(scrolled, ids(page)...)
		next := must(client.Scroll.Get(ctx, opensearchapi.ScrollGetReq{
			ScrollID: scroll, Params: opensearchapi.ScrollGetParams{Scroll: time.Minute},
		}))
		scroll, page = *next.ScrollID, next.Hits.Hits
	}
	freed := must(client.Scroll.Delete(ctx, opensearchapi.ScrollDeleteReq{ScrollIDs: []string{scroll}}))
	results["scroll"] = []any{len(scrolled), digest(scrolled), freed}

	point := must(client.PointInTime.Create(ctx, opensearchapi.PointInTimeCreateReq{
		Indices: indices, Params: opensearchapi.PointInTimeCreateParams{KeepAlive: time.Minute},
	})).PitID
	pages := []any{}
	query := object{"size": 400, "pit": object{"id": point, "keep_alive": "1m"}, "sort": byNumber}
	for range 3 {
		hits := search(nil, query).Hits.Hits
		last := hits[len(hits)-1]
		pages = append(pages, []any{len(hits), hits[0].ID, last.ID})
		query["search_after"] = last.Sort
	}
	ended := must(client.PointInTime.Delete(ctx, opensearchapi.PointInTimeDeleteReq{PitID: []string{point}}))
	results["pointInTime"] = []any{pages, ended}

	lines := []string{}
	for _, line := range []object{
		{"index": index}, {"query": object{"term": object{"group": "g1"}}, "size": 1, "sort": byNumber},
		{"index": missing[0]}, {"query": object{"match_all": object{}}},
		{"index": index}, {"query": object{"ids": object{"values": []string{"note-7"}}}},
	} {
		lines = append(lines, string(must(json.Marshal(line)))+"\n")
	}
	several, err := client.MSearch(ctx, opensearchapi.MSearchReq{Body: strings.NewReader(strings.Join(lines, ""))})
	results["msearch"] = []any{several, fmt.Sprint(err)}

	update := func(id string, change object, params opensearchapi.UpdateParams) *opensearchapi.UpdateResp {
		return must(client.Update(ctx, opensearchapi.UpdateReq{Index: index, DocumentID: id, Body: body(change), Params: params}))
	}
	changed := object{"doc": object{"text": "changed"}}
	results["update"] = []any{
		update("note-1", changed, opensearchapi.UpdateParams{Source: "true", Refresh: "true"}),
		update("note-1", changed, opensearchapi.UpdateParams{}),
		update("late", object{"doc": object{"n": 1}, "doc_as_upsert": true}, opensearchapi.UpdateParams{}),
	}

	exists := func(id string) int {
		answer, err := client.Document.Exists(ctx, opensearchapi.DocumentExistsReq{Index: index, DocumentID: id})
		if answer == nil {
			panic(err)
		}
		return answer.StatusCode
	}
	indexExists := func(indices []string) int {
		answer, err := client.Indices.Exists(ctx, opensearchapi.IndicesExistsReq{Indices: indices})
		if answer == nil {
			panic(err)
		}
		return answer.StatusCode
	}
	results["exists"] = []any{exists("note-1"), exists("nobody"), indexExists(indices), indexExists(missing)}

	steps := []any{}
	for _, name := range names.Ids {
		steps = append(steps, []any{
			name,
			must(client.Index(ctx, opensearchapi.IndexReq{Index: index, DocumentID: name, Body: body(object{"name": name})})),
			must(client.Document.Get(ctx, opensearchapi.DocumentGetReq{Index: index, DocumentID: name})),
			exists(name),
			must(client.Document.Delete(ctx, opensearchapi.DocumentDeleteReq{Index: index, DocumentID: name})),
		})
	}
	results["ids"] = steps

	refresh := true
	results["deleteByQuery"] = []any{must(client.Document.DeleteByQuery(ctx, opensearchapi.DocumentDeleteByQueryReq{
		Indices: indices, Body: body(object{"query": object{"term": object{"group": "g3"}}}),
		Params: opensearchapi.DocumentDeleteByQueryParams{Refresh: &refresh},
	})), count()}

	_, noIndex := client.Search(ctx, &opensearchapi.SearchReq{Indices: missing})
	_, noDocument := client.Document.Get(ctx, opensearchapi.DocumentGetReq{Index: index, DocumentID: "nobody"})
	_, conflict := client.Document.Create(ctx, opensearchapi.DocumentCreateReq{Index: index, DocumentID: "note-1", Body: body(object{"n": 1})})
	_, nonsense := client.Search(ctx, &opensearchapi.SearchReq{Indices: indices, Body: body(object{"query": object{"nonsense": object{}}})})
	_, taken := client.Indices.Create(ctx, opensearchapi.IndicesCreateReq{Index: index})
	_, unreadable := client.Index(ctx, opensearchapi.IndexReq{Index: index, DocumentID: "bad", Body: body(object{"n": "no number"})})
	failures := []object{}
	for _, err := range []error{noIndex, noDocument, conflict, nonsense, taken, unreadable} {
		failures = append(failures, failure(err))
	}
	results["errors"] = failures

	must(client.Indices.Delete(ctx, opensearchapi.IndicesDeleteReq{Indices: indices}))
	fmt.Println(string(must(json.Marshal(results))))
}
