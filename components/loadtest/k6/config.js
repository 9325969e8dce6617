import { mix } from './mix.js';
import { parts } from './slices.js';

/**
 * The run as it was declared: scenario, thresholds, where to and who asks.
 *
 * @typedef {object} Scenario
 * @property {string} name
 * @property {number} users at the same time, over all generators
 * @property {number} rampUpSeconds part of the duration
 * @property {number} durationSeconds
 * @property {number} thinkSeconds mean pause of a user between two requests
 * @property {number} gracefulSeconds requests in flight may finish after the duration
 * @property {number} generators
 * @property {boolean} stopAtFault arrivals rise until a threshold is missed, which ends the run
 * @property {number} levels in which the users come, each held; 0 where all come at once
 * @property {boolean} answersOnly too short for percentiles: whether everything answers, and as well as it should, is all that is judged
 * @property {boolean} production the target serves real users
 * @property {Thresholds} thresholds
 *
 * @typedef {object} Thresholds
 * @property {number} responseMillis p95 of all but complex searches
 * @property {number} complexSearchMillis p95
 * @property {number} uploadSecondsPerMB p95
 * @property {number} failedRatio
 * @property {number} droppedIterations
 * @property {number} recallRatio of the relevant documents among ten hits, at least
 * @property {number} degradedRatio of complex searches without vectors, at most
 * @property {number} freshnessSeconds p90
 */

/** @param {string} name */
function required(name) {
  const value = __ENV[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** @type {Scenario} */
const declared = JSON.parse(open(required('SCENARIO_FILE')));

/** The run's own number of generators: one where the scenario's users are all on one machine. */
export const scenario = { ...declared, generators: Number(__ENV.GENERATORS) || declared.generators };

/** What a result may be compared under: stack, images, configuration, revision.
 * @type {Record<string, string>} */
export const environment = JSON.parse(open(required('ENVIRONMENT_FILE')));
if (__ENV.REVISION) environment.revision = __ENV.REVISION;
if (__ENV.IMAGE_DIGESTS) environment.imageDigests = __ENV.IMAGE_DIGESTS;

export const target = required('TARGET_URL').replace(/\/+$/, '');
export const resultsFolder = required('RESULTS_FOLDER');

/** The bearer token of every request, where the target asks for one. */
export const token = __ENV.API_TOKEN || '';

export const mayLoadProduction = __ENV.ALLOW_PRODUCTION === 'true';

export const generator = {
  index: Number(__ENV.JOB_COMPLETION_INDEX || '0'),
  job: __ENV.JOB_NAME || '',
  pod: __ENV.POD_NAME || '',
  node: __ENV.NODE_NAME || '',
  /** What ran the scripts, where it is not k6's own image. */
  program: __ENV.LOAD_GENERATOR || '',
};

/** What requests are for, as their tags say. */
const kinds = [...mix.map(({ kind }) => kind), 'upload-status', 'upload-search', 'delete'];

/** Before this there are too few samples to judge. */
const settled = '30s';

/** k6's options for a scenario.
 * @param {Scenario} s
 * @returns {import('k6/options').Options} */
export function optionsOf(s) {
  return {
    scenarios: { [s.name]: s.stopAtFault ? arrivals(s) : users(s) },
    thresholds: thresholdsOf(s),
    summaryTrendStats: ['count', 'avg', 'min', 'med', 'max', ...percentiles()],
    setupTimeout: '120s',
    teardownTimeout: '60s',
    userAgent: `ragscale-loadtest/${s.name}`,
  };
}

/** Close enough to each other that the results of several generators can be merged, and the closer the rarer: every half to 90 %,
 * every tenth to 99 %, every fiftieth to 100 %. */
function percentiles() {
  const all = [];
  for (let i = 1; i < 180; i++) all.push(i / 2);
  for (let i = 900; i < 990; i++) all.push(i / 10);
  for (let i = 9900; i < 10000; i += 2) all.push(i / 100);
  return all.map((p) => `p(${p})`);
}

/** @param {number} peak
 * @param {Scenario} s */
function stagesTo(peak, s) {
  const stages = [
    { duration: `${s.rampUpSeconds}s`, target: peak },
    { duration: `${s.durationSeconds - s.rampUpSeconds}s`, target: peak },
  ];
  return stages.filter((stage) => stage.duration !== '0s');
}

/** Levels of equal length, each with its part of the ramp and the same number of users more than the one before.
 * @param {Scenario} s */
function levels(s) {
  const ramp = s.rampUpSeconds / s.levels;
  const held = s.durationSeconds / s.levels - ramp;
  return Array.from({ length: s.levels }, (_, i) => Math.round((s.users * (i + 1)) / s.levels)).flatMap((target) => [
    { duration: `${Math.round(ramp * 1000)}ms`, target },
    { duration: `${Math.round(held * 1000)}ms`, target },
  ]);
}

/** Users who each have one request in flight or think: a closed loop.
 * @param {Scenario} s
 * @returns {import('k6/options').RampingVUsScenario} */
function users(s) {
  const graceful = `${s.gracefulSeconds}s`;
  return {
    executor: 'ramping-vus',
    startVUs: s.rampUpSeconds > 0 || s.levels > 0 ? 0 : s.users,
    stages: s.levels > 0 ? levels(s) : stagesTo(s.users, s),
    gracefulRampDown: graceful,
    gracefulStop: graceful,
  };
}

/** What the users would ask for, whether or not answers come: an open loop, which a slow target cannot slow down.
 * @param {Scenario} s
 * @returns {import('k6/options').RampingArrivalRateScenario} */
function arrivals(s) {
  const rate = Math.ceil(s.users / s.thinkSeconds);
  return {
    executor: 'ramping-arrival-rate',
    startRate: s.rampUpSeconds > 0 ? 0 : rate,
    timeUnit: '1s',
    stages: stagesTo(rate, s),
    preAllocatedVUs: s.users,
    maxVUs: s.users,
    gracefulStop: `${s.gracefulSeconds}s`,
  };
}

/** Each generator judges its share. When every share keeps a threshold the whole does: of parts that each have 95 % of
 * their requests within a limit, the sum has too. What has no threshold is there to be measured: k6 keeps a metric by its tags
 * when a threshold names it, an empty one as well.
 * @param {Scenario} s
 * @returns {Record<string, import('k6/options').ObjectThreshold[]>} */
function thresholdsOf(s) {
  const t = s.thresholds;
  const limits = {
    'http_req_duration{objective:response}': s.answersOnly ? '' : `p(95)<${t.responseMillis}`,
    'http_req_duration{objective:complex-search}': s.answersOnly ? '' : `p(95)<${t.complexSearchMillis}`,
    upload_seconds_per_mb: s.answersOnly ? '' : `p(95)<${t.uploadSecondsPerMB}`,
    // Of few uploads each has to be found in time.
    freshness_seconds: `${s.answersOnly ? 'max' : 'p(90)'}<${t.freshnessSeconds}`,
    recall: `rate>=${t.recallRatio}`,
    degraded: `rate<=${t.degradedRatio}`,
    without_vectors: `rate<=${t.degradedRatio}`,
    'http_req_duration{kind:freshness}': '',
    ...Object.fromEntries(kinds.map((kind) => [`http_req_duration{kind:${kind}}`, ''])),
    ...Object.fromEntries(parts(kinds, s.durationSeconds).map((part) => [part, ''])),
    // Of the load alone: preparation sends a hundred requests, among which a fault of a short run would not show.
    [`http_req_failed{scenario:${s.name}}`]: `rate<=${t.failedRatio}`,
    faults: `rate<=${t.failedRatio}`,
    dropped_iterations: t.droppedIterations === 0 ? 'count==0' : `count<=${t.droppedIterations}`,
  };
  /** @type {Record<string, import('k6/options').ObjectThreshold[]>} */
  const all = {};
  for (const [metric, threshold] of Object.entries(limits)) {
    const abort = s.stopAtFault ? { abortOnFail: true, delayAbortEval: settled } : {};
    all[metric] = threshold === '' ? [] : [{ threshold, ...abort }];
  }
  return all;
}
