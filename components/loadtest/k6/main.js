import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Gauge, Trend } from 'k6/metrics';
import { look, processed, store, sweep } from './api.js';
import { environment, generator, mayLoadProduction, optionsOf, resultsFolder, scenario } from './config.js';
import { glossary, text } from './corpus.js';
import { next, pause } from './mix.js';
import { showsVectors } from './quality.js';
import { reportOf, resultOf } from './summary.js';
import { perTopic, textOf, topicsIn, topicsOf } from './topics.js';
import { act } from './user.js';

export const options = optionsOf(scenario);

/** When preparation ended and load began, ms since 1970: generators of one run are compared by it. */
const loadBegan = new Gauge('load_began', true);

/** When load ended and taking down began, ms since 1970: a run that was cut short shows in it. */
const loadEnded = new Gauge('load_ended', true);

/** How long users meant to pause, together, and how much later each went on: what a generator lacks of CPU. */
const pauses = new Counter('user_pause_ms', true);
const lag = new Trend('user_lag_ms', true);

/** Documents that searches find and users fetch, over all generators, and about how many bytes each has. */
const documents = 100;
const size = 3000;

/** Each generator prepares its share, with marks of its own.
 * @returns {import('./user.js').Prepared} */
export function setup() {
  if (scenario.production && !mayLoadProduction) {
    exec.test.abort(`scenario ${scenario.name} aims at production, want ALLOW_PRODUCTION=true`);
  }
  const run = `lt${Date.now().toString(36)}g${generator.index}`;
  const { stored, topics } = fill(run);
  const until = Date.now() + 100_000;
  for (const document of stored) processed(document.id, until);
  vectors(topics);
  loadBegan.add(Date.now());
  return {
    run,
    since: stored[0]?.createdAt ?? '',
    documents: stored.map(({ id, marker }) => ({ id, marker })),
    topics,
  };
}

/** Stores this generator's share of the documents: the glossary, plain ones, and those of topics. The first generator has a topic however
 * small its share is.
 * @param {string} run */
function fill(run) {
  const least = generator.index === 0 ? 1 + perTopic : 1;
  const share = Math.max(least, Math.ceil(documents / scenario.generators));
  const topics = topicsOf(run, topicsIn(share - 1));
  const plain = share - perTopic * topics.length;
  const stored = Array.from({ length: plain }, (_, i) => {
    const marker = `${run}d${i}`;
    return put(run, marker, i === 0 ? glossary(marker) : text(marker, size, Math.random));
  });
  for (const [t, topic] of topics.entries()) {
    for (const i of topic.marks.keys()) {
      const marker = `${run}t${t}d${i}`;
      const document = put(run, marker, textOf(topic, i, marker, Math.random));
      topic.documents.push(document.id);
      stored.push(document);
    }
  }
  return { stored, topics };
}

/** @param {string} run
 * @param {string} marker
 * @param {string} content */
function put(run, marker, content) {
  return { marker, ...store({ title: `Prepared ${marker}`, text: content, metadata: { loadtest: run, marker } }) };
}

/** Waits until searches have vectors, which come after words: seconds, on a stack that was empty. Those that do not come are for the
 * run to measure.
 * @param {import('./topics.js').Topic[]} topics */
function vectors(topics) {
  if (topics.length === 0) return;
  for (let attempt = 0; attempt < 10; attempt++) {
    if (showsVectors(look, topics)) return;
    sleep(1);
  }
}

/** @param {import('./user.js').Prepared} data */
export default function (data) {
  act(next(exec.vu.idInTest, exec.vu.iterationInScenario), data);
  if (!scenario.stopAtFault) think(pause(scenario.thinkSeconds, Math.random()));
}

/** @param {number} seconds */
function think(seconds) {
  const began = Date.now();
  sleep(seconds);
  pauses.add(seconds * 1000);
  lag.add(Math.max(0, Date.now() - began - seconds * 1000));
}

/** @param {import('./user.js').Prepared | undefined} data none when setup was ended */
export function teardown(data) {
  loadEnded.add(Date.now());
  if (data) sweep(data.run, data.since, Date.now() + 45_000);
}

/** @param {import('./summary.js').Summary} data */
export function handleSummary(data) {
  const result = resultOf({ scenario, environment, generator }, data, new Date().toISOString());
  const report = reportOf(result);
  return {
    stdout: report,
    [`${resultsFolder}/summary.json`]: JSON.stringify(result, null, 2),
    [`${resultsFolder}/summary.txt`]: report,
  };
}
