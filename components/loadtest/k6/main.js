import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Gauge, Trend } from 'k6/metrics';
import { processed, store, sweep } from './api.js';
import { environment, generator, mayLoadProduction, optionsOf, resultsFolder, scenario } from './config.js';
import { glossary, text } from './corpus.js';
import { next, pause } from './mix.js';
import { resultOf, textOf } from './summary.js';
import { act } from './user.js';

export const options = optionsOf(scenario);

/** When preparation ended and load began, ms since 1970: generators of one run are compared by it. */
const loadBegan = new Gauge('load_began', true);

/** When load ended and taking down began, ms since 1970: a run that was cut short shows in it. */
const loadEnded = new Gauge('load_ended', true);

/** How long users meant to pause, together, and how much later each went on: what a generator lacks of CPU. */
const pauses = new Counter('user_pause_ms', true);
const lag = new Trend('user_lag_ms', true);

/** Documents that searches find and users fetch, over all generators. */
const documents = 100;

/** Each generator prepares its share, with marks of its own.
 * @returns {import('./user.js').Prepared} */
export function setup() {
  if (scenario.production && !mayLoadProduction) {
    exec.test.abort(`scenario ${scenario.name} aims at production, want ALLOW_PRODUCTION=true`);
  }
  const run = `lt${Date.now().toString(36)}g${generator.index}`;
  const share = Math.max(1, Math.ceil(documents / scenario.generators));
  const stored = Array.from({ length: share }, (_, i) => {
    const marker = `${run}d${i}`;
    const content = i === 0 ? glossary(marker) : text(marker, 3000, Math.random);
    return {
      marker,
      ...store({
        title: `Prepared ${marker}`,
        text: content,
        metadata: { loadtest: run, marker },
      }),
    };
  });
  const until = Date.now() + 100_000;
  for (const document of stored) processed(document.id, until);
  loadBegan.add(Date.now());
  return {
    run,
    since: stored[0]?.createdAt ?? '',
    documents: stored.map(({ id, marker }) => ({ id, marker })),
  };
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
  const report = textOf(result);
  return {
    stdout: report,
    [`${resultsFolder}/summary.json`]: JSON.stringify(result, null, 2),
    [`${resultsFolder}/summary.txt`]: report,
  };
}
