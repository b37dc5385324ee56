// Traces to standard output, for a first look:
//
//   npm install @opentelemetry/sdk-trace-node
//   node --import ./config/examples/tracing.js dist/cli.js start --config gateway.yaml
//
// For a collector, put an exporter of its own in place of ConsoleSpanExporter: new OTLPTraceExporter() of @opentelemetry/exporter-trace-otlp-proto, with
// OTEL_EXPORTER_OTLP_ENDPOINT in the environment. Any SDK will do that registers a tracer provider before the gateway starts.
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node'

const provider = new NodeTracerProvider({
  // Traces that a caller has sampled, and a tenth of those that begin here.
  sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.1) }),
  spanProcessors: [new BatchSpanProcessor(new ConsoleSpanExporter())],
})
provider.register()
// A gateway that stops has what is left exported (forceFlush) before its process ends.
