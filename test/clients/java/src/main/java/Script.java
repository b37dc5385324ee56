import jakarta.json.Json;
import jakarta.json.stream.JsonGenerator;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.message.BasicHeader;
import org.opensearch.client.json.JsonData;
import org.opensearch.client.json.JsonpMapper;
import org.opensearch.client.json.JsonpSerializable;
import org.opensearch.client.json.jackson.JacksonJsonpMapper;
import org.opensearch.client.opensearch.OpenSearchClient;
import org.opensearch.client.opensearch._helpers.bulk.BulkIngester;
import org.opensearch.client.opensearch._types.FieldValue;
import org.opensearch.client.opensearch._types.OpenSearchException;
import org.opensearch.client.opensearch._types.Refresh;
import org.opensearch.client.opensearch._types.SortOrder;
import org.opensearch.client.opensearch._types.Time;
import org.opensearch.client.opensearch.core.SearchRequest;
import org.opensearch.client.opensearch.core.SearchResponse;
import org.opensearch.client.opensearch.core.search.Hit;
import org.opensearch.client.opensearch.core.search.Pit;
import org.opensearch.client.transport.httpclient5.ApacheHttpClient5TransportBuilder;
import org.opensearch.client.transport.httpclient5.ResponseException;

/** What every client does, in Java: see ../../../../steps.md. Prints one JSON document. */
public final class Script {
  private static final Time MINUTE = Time.of(time -> time.time("1m"));

  private final JsonpMapper mapper = new JacksonJsonpMapper();
  private final Map<String, Object> results = new LinkedHashMap<>();
  private final OpenSearchClient client;
  private final String index;

  private Script(OpenSearchClient client, String index) {
    this.client = client;
    this.index = index;
  }

  static OpenSearchClient connect(String url, String token, SSLContext tls) throws Exception {
    // docs: connect
    var transport =
        ApacheHttpClient5TransportBuilder.builder(HttpHost.create(url))
            .setDefaultHeaders(new Header[] {new BasicHeader("Authorization", "Bearer " + token)})
            .setCompressionEnabled(true) // both ways
            .setHttpClientConfigCallback(
                http ->
                    http.setConnectionManager(
                        PoolingAsyncClientConnectionManagerBuilder.create()
                            .setTlsStrategy(ClientTlsStrategyBuilder.create().setSslContext(tls).buildAsync())
                            .build()))
            .build();
    var client = new OpenSearchClient(transport);
    // docs: end
    return client;
  }

  public static void main(String[] args) throws Exception {
    var environment = System.getenv();
    var tls = trusting(environment.get("OPENSEARCH_CA"));
    var client = connect(environment.get("OPENSEARCH_URL"), environment.get("OPENSEARCH_TOKEN"), tls);
    var script = new Script(client, environment.get("OPENSEARCH_INDEX"));
    List<String> ids = new ArrayList<>();
    try (var reader = Json.createReader(Files.newBufferedReader(Path.of(args[0])))) {
      reader.readObject().getJsonArray("ids").forEach(id -> ids.add(((jakarta.json.JsonString) id).getString()));
    }
    script.run(ids);
    client._transport().close();
    new PrintStream(System.out, true, StandardCharsets.UTF_8).println(script.write(script.results));
  }

  private static SSLContext trusting(String ca) throws Exception {
    if (ca == null) return SSLContext.getDefault();
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (var file = new FileInputStream(ca)) {
      store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private void run(List<String> ids) throws Exception {
    results.put("info", client.info());
    results.put(
        "create",
        client.indices().create(create ->
            create
                .index(index)
                .settings(settings -> settings.numberOfShards(1).numberOfReplicas(0))
                .mappings(mappings ->
                    mappings
                        .properties("n", property -> property.integer(number -> number))
                        .properties("group", property -> property.keyword(keyword -> keyword))
                        .properties("text", property -> property.text(text -> text)))));
    bulk();
    search();
    scroll();
    pointInTime();
    several();
    update();
    results.put("exists", List.of(
        client.exists(exists -> exists.index(index).id("note-1")).value(),
        client.exists(exists -> exists.index(index).id("nobody")).value(),
        client.indices().exists(exists -> exists.index(index)).value(),
        client.indices().exists(exists -> exists.index(index + "-missing")).value()));
    ids(ids);
    var removed = client.deleteByQuery(remove ->
        remove.index(index).refresh(Refresh.True).query(query -> query.term(term -> term.field("group").value(FieldValue.of("g3")))));
    results.put("deleteByQuery", List.of(removed, count()));
    errors();
    client.indices().delete(delete -> delete.index(index));
  }

  private long count() throws IOException {
    return client.count(count -> count.index(index)).count();
  }

  private void bulk() throws IOException {
    var ingester = BulkIngester.<Void>of(bulk -> bulk.client(client).maxOperations(2_500).maxConcurrentRequests(1));
    for (int n = 0; n < 10_000; n++) {
      var id = "note-" + n;
      var note = Map.of("n", n, "group", "g" + n % 10, "text", "note " + n + " – über " + n % 7 + " 🚀");
      ingester.add(operation -> operation.index(insert -> insert.index(index).id(id).document(note)));
    }
    ingester.close();
    client.indices().refresh(refresh -> refresh.index(index));
    results.put("bulk", List.of(ingester.operationsCount(), ingester.requestCount(), count()));
  }

  private SearchRequest.Builder byNumber(int size) {
    return new SearchRequest.Builder()
        .size(size)
        .sort(sort -> sort.field(field -> field.field("n").order(SortOrder.Asc)));
  }

  private void search() throws Exception {
    results.put(
        "search",
        client.search(
            search ->
                search
                    .index(index)
                    .query(query ->
                        query.bool(bool ->
                            bool.must(must -> must.match(match -> match.field("text").query(FieldValue.of("über"))))
                                .filter(filter -> filter.range(range -> range.field("n").gte(JsonData.of(4321))))))
                    .sort(sort -> sort.field(field -> field.field("n").order(SortOrder.Desc)))
                    .size(5)
                    .trackTotalHits(track -> track.enabled(true))
                    .highlight(highlight -> highlight.fields("text", field -> field))
                    .aggregations("groups", groups ->
                        groups
                            .terms(terms -> terms.field("group").order(List.of(Map.of("_key", SortOrder.Asc))))
                            .aggregations("mean", mean -> mean.avg(avg -> avg.field("n")))),
            Map.class));
    var all = client.search(byNumber(10_000).index(index).build(), Map.class).hits().hits();
    results.put("largeSearch", List.of(all.size(), digest(all.stream().map(Hit::id).toList()), all.get(9_999)));
  }

  private void scroll() throws Exception {
    var scrolled = new ArrayList<String>();
    var page = client.search(byNumber(1_500).index(index).scroll(MINUTE).build(), Map.class);
    var id = page.scrollId();
    var hits = page.hits().hits();
    while (!hits.isEmpty()) {
      hits.forEach(hit -> scrolled.add(hit.id()));
      var current = id;
      var next = client.scroll(scroll -> scroll.scrollId(current).scroll(MINUTE), Map.class);
      id = next.scrollId();
      hits = next.hits().hits();
    }
    var last = id;
    var freed = client.clearScroll(clear -> clear.scrollId(last));
    results.put("scroll", List.of(scrolled.size(), digest(scrolled), freed));
  }

  private void pointInTime() throws IOException {
    var point = client.createPit(create -> create.index(index).keepAlive(MINUTE)).pitId();
    var pages = new ArrayList<Object>();
    List<FieldValue> after = List.of();
    for (int page = 0; page < 3; page++) {
      var request = byNumber(400).pit(Pit.of(pit -> pit.id(point).keepAlive("1m")));
      if (!after.isEmpty()) request.searchAfter(after);
      SearchResponse<Map> answer = client.search(request.build(), Map.class);
      var hits = answer.hits().hits();
      var last = hits.get(hits.size() - 1);
      pages.add(List.of(hits.size(), hits.get(0).id(), last.id()));
      after = last.sort();
    }
    results.put("pointInTime", List.of(pages, client.deletePit(delete -> delete.pitId(point))));
  }

  private void several() throws IOException {
    results.put(
        "msearch",
        client.msearch(
            several ->
                several
                    .searches(one ->
                        one.header(header -> header.index(index))
                            .body(body -> body.query(query -> query.term(term -> term.field("group").value(FieldValue.of("g1")))).size(1)))
                    .searches(one ->
                        one.header(header -> header.index(index + "-missing"))
                            .body(body -> body.query(query -> query.matchAll(all -> all))))
                    .searches(one ->
                        one.header(header -> header.index(index))
                            .body(body -> body.query(query -> query.ids(ids -> ids.values("note-7"))))),
            Map.class));
  }

  private void update() throws IOException {
    var changed = Map.of("text", "changed");
    results.put("update", List.of(
        client.update(update -> update.index(index).id("note-1").doc(changed).refresh(Refresh.True), Map.class),
        client.update(update -> update.index(index).id("note-1").doc(changed), Map.class),
        client.update(update -> update.index(index).id("late").doc(Map.of("n", 1)).docAsUpsert(true), Map.class)));
  }

  private void ids(List<String> ids) throws IOException {
    var steps = new ArrayList<Object>();
    for (var id : ids) {
      steps.add(List.of(
          id,
          client.index(insert -> insert.index(index).id(id).document(Map.of("name", id))),
          client.get(get -> get.index(index).id(id), Map.class),
          client.exists(exists -> exists.index(index).id(id)).value(),
          client.delete(delete -> delete.index(index).id(id))));
    }
    results.put("ids", steps);
  }

  private interface Work {
    Object run() throws IOException;
  }

  private void errors() throws IOException {
    results.put("errors", List.of(
        failure(() -> client.search(search -> search.index(index + "-missing"), Map.class)),
        failure(() -> client.deleteByQuery(remove -> remove.index(index + "-missing").query(query -> query.matchAll(all -> all)))),
        failure(() -> client.create(create -> create.index(index).id("note-1").document(Map.of("n", 1)))),
        failure(() -> client.search(search -> search.index(index).query(query -> query.queryString(text -> text.query("n:["))), Map.class)),
        failure(() -> client.indices().create(create -> create.index(index))),
        failure(() -> client.index(insert -> insert.index(index).id("bad").document(Map.of("n", "no number"))))));
  }

  private Object failure(Work work) throws IOException {
    try {
      work.run();
    } catch (OpenSearchException error) {
      return List.of(error.getClass().getName(), error.status(), String.valueOf(error.getMessage()), error.response());
    } catch (ResponseException error) {
      return List.of(error.getClass().getName(), error.status(), String.valueOf(error.getMessage()));
    }
    throw new IllegalStateException("No answer with an error");
  }

  private static String digest(List<String> values) throws Exception {
    var sum = MessageDigest.getInstance("SHA-256").digest(String.join("\n", values).getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(sum);
  }

  private String write(Object value) {
    var text = new StringWriter();
    try (var generator = mapper.jsonProvider().createGenerator(text)) {
      writeValue(value, generator);
    }
    return text.toString();
  }

  private void writeValue(Object value, JsonGenerator generator) {
    if (value instanceof Map<?, ?> map) {
      generator.writeStartObject();
      map.forEach((name, member) -> {
        generator.writeKey(String.valueOf(name));
        writeValue(member, generator);
      });
      generator.writeEnd();
    } else if (value instanceof List<?> list) {
      generator.writeStartArray();
      list.forEach(item -> writeValue(item, generator));
      generator.writeEnd();
    } else if (value instanceof JsonpSerializable answer) {
      answer.serialize(generator, mapper);
    } else {
      mapper.serialize(value, generator);
    }
  }
}
