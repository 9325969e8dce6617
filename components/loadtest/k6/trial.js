import exec from 'k6/execution';
import { sleep } from 'k6';
import { sweep } from './api.js';
import { resultsFolder, scenario } from './config.js';
import { setup as prepare } from './main.js';
import { next, pause } from './mix.js';
import { act } from './user.js';

/**
 * A step of a trial, which loads two targets in turn: prepare stores the documents that every block asks for, block
 * loads one target for some seconds, sweep deletes what prepare stored.
 *
 * @type {'prepare' | 'block' | 'sweep'} */
const step = /** @type {any} */ (__ENV.TRIAL_STEP);

/** Seconds of a block, and how many of them do not count. */
const seconds = Number(__ENV.BLOCK_SECONDS || '0');
const discarded = Number(__ENV.DISCARDED_SECONDS || '0');

/** Users of a block, who have no time to come one by one. */
const users = Number(__ENV.USERS) || scenario.users;

const kept = `${resultsFolder}/prepared.json`;

/** What prepare stored; blocks and sweep read it.
 * @type {import('./user.js').Prepared} */
const prepared = step === 'prepare' ? { run: '', since: '', documents: [], topics: [] } : JSON.parse(open(kept));

/** What a block uploads has a mark of its own, so that no other block finds it. Blocks are too short to measure quality in. */
const mine = { ...prepared, topics: [], run: `${prepared.run}b${__ENV.BLOCK || ''}`, since: new Date(Date.now() - 1000).toISOString() };

/** The part of a block that counts: answers as they should be, for times. */
const counted = 'phase:counted';
const right = `${counted},expected_response:true`;

/** @returns {import('k6/options').Options} */
function optionsOf() {
  const common = { setupTimeout: '120s', teardownTimeout: '60s', userAgent: `ragscale-trial/${scenario.name}` };
  if (step !== 'block') return { ...common, vus: 1, iterations: 1 };
  return {
    ...common,
    scenarios: {
      block: { executor: 'constant-vus', vus: users, duration: `${seconds}s`, gracefulStop: `${Math.min(5, scenario.gracefulSeconds)}s` },
    },
    // Thresholds that judge nothing, so that what they name is measured.
    thresholds: {
      [`http_req_duration{${right},objective:response}`]: [],
      [`http_req_duration{${right},objective:complex-search}`]: [],
      [`faults{${counted}}`]: [],
      faults: [],
    },
    summaryTrendStats: ['count', 'med', 'p(95)', 'max'],
  };
}

export const options = optionsOf();

export function setup() {
  return step === 'prepare' ? prepare() : mine;
}

/** @param {import('./user.js').Prepared} data */
export default function (data) {
  if (step !== 'block') return;
  const counts = Date.now() >= exec.scenario.startTime + 1000 * discarded;
  exec.vu.metrics.tags.phase = counts ? 'counted' : 'discarded';
  act(next(exec.vu.idInTest, exec.vu.iterationInScenario), data);
  sleep(pause(scenario.thinkSeconds, Math.random()));
}

/** @param {import('./user.js').Prepared | undefined} data none when setup was ended */
export function teardown(data) {
  const until = Date.now() + 45_000;
  if (step === 'block' && data) sweep(data.run, data.since, until);
  if (step === 'sweep') sweep(prepared.run, prepared.since, until);
}

/** @param {import('./summary.js').Summary & { setup_data?: object }} data */
export function handleSummary(data) {
  if (step === 'prepare') return { [kept]: JSON.stringify(data.setup_data) };
  return { stdout: JSON.stringify({ metrics: data.metrics }) };
}
