// Sends one trace and two metrics by each of OpenTelemetry's protocols: node send.js HTTP GRPC, which
// are addresses as host:port. Run from where the packages of package.json are installed.
const { createRequire } = require('module');
const path = require('path');
const need = createRequire(path.join(process.cwd(), 'package.json'));
const api = need('@opentelemetry/api');
const { BatchSpanProcessor, NodeTracerProvider } = need('@opentelemetry/sdk-trace-node');
const { MeterProvider, PeriodicExportingMetricReader } = need('@opentelemetry/sdk-metrics');
const { resourceFromAttributes } = need('@opentelemetry/resources');

const [http, grpc] = process.argv.slice(2);
const protocols = {
  grpc: ['grpc', `http://${grpc}`, `http://${grpc}`],
  protobuf: ['proto', `http://${http}/v1/traces`, `http://${http}/v1/metrics`],
  json: ['http', `http://${http}/v1/traces`, `http://${http}/v1/metrics`],
};

let failures = 0;
const report = (...text) => { ++failures; console.error(...text); };
api.diag.setLogger({ error: report, warn: report, info() {}, debug() {}, verbose() {} });

async function sendTrace(name, kind, url, compression) {
  const { OTLPTraceExporter } = need(`@opentelemetry/exporter-trace-otlp-${kind}`);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `sdk-${name}` }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url, compression }))],
  });
  const tracer = provider.getTracer('lib', '1.2');
  const parent = tracer.startSpan('parent', {
    kind: api.SpanKind.SERVER,
    attributes: { int: 7, float: 1.5, yes: true, list: ['x', 'y'], text: 'z' },
  });
  parent.addEvent('happened', { how: 'well' });
  const child = tracer.startSpan('child', {}, api.trace.setSpan(api.context.active(), parent));
  child.setStatus({ code: api.SpanStatusCode.ERROR, message: 'broken' });
  child.end();
  parent.end();
  await provider.forceFlush();
  await provider.shutdown();
}

async function sendMetrics(name, kind, url, compression) {
  const { OTLPMetricExporter } = need(`@opentelemetry/exporter-metrics-otlp-${kind}`);
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url, compression }),
    exportIntervalMillis: 3600_000,
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': `sdk-${name}` }),
    readers: [reader],
  });
  const meter = provider.getMeter('lib');
  meter.createCounter('sdk.hits').add(3, { route: '/' });
  meter.createHistogram('sdk.latency', { unit: 'ms' }).record(12);
  await provider.forceFlush();
  await provider.shutdown();
}

async function main() {
  for (const [name, [kind, traces, metrics]] of Object.entries(protocols)) {
    for (const compression of ['none', 'gzip']) {
      await sendTrace(`${name}-${compression}`, kind, traces, compression);
      await sendMetrics(`${name}-${compression}`, kind, metrics, compression);
    }
  }
  process.exit(failures ? 1 : 0);
}

main();
