// A program with the Pyroscope SDK: `node burn.js ADDRESS MILLISECONDS`. It
// computes and allocates, flushes as the SDK does, and stops.
const Pyroscope = require('@pyroscope/nodejs');

Pyroscope.init({
  serverAddress: process.argv[2],
  appName: 'shop',
  tags: { region: 'eu', hostname: 'node-1' },
  flushIntervalMs: 700,
  wall: { samplingDurationMs: 700, samplingIntervalMicros: 10000, collectCpuTime: true },
  heap: { samplingIntervalBytes: 16384, stackDepth: 32 },
});
Pyroscope.start();

const held = [];

function burnProcessor(until) {
  let x = 0;
  while (Date.now() < until) x += Math.sqrt(x + 1);
  return x;
}

function holdMemory() {
  for (let i = 0; i < 200; i++) held.push(new Array(500).fill(i));
}

const end = Date.now() + Number(process.argv[3]);
(function round() {
  holdMemory();
  Pyroscope.wrapWithLabels({ endpoint: '/pay' }, () => burnProcessor(Date.now() + 100));
  if (Date.now() < end) return setTimeout(round, 20);
  Pyroscope.stop().then(() => { console.log('stopped', held.length > 0); process.exit(0); });
})();
