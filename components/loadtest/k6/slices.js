import exec from 'k6/execution';

/**
 * Parts of a run's time, in which what users get is measured apart.
 *
 * @typedef {object} Slices
 * @property {number} seconds of each
 * @property {number[]} shares whose percentiles each row has
 * @property {Record<string, number[][]>} took ms, by kind of request: number of the slice, requests, then the percentiles
 * @property {number[][]} faults number of the slice, wrong ones, all
 */

/** At most: each is a part of a metric for each kind of request, and k6 looks at every part with every request. 60 cost some
 * 14 µs a request. */
const most = 60;

/** @param {number} durationSeconds of the load */
export function secondsOf(durationSeconds) {
  return 10 * Math.ceil(durationSeconds / (10 * most));
}

/** What a slice tells of requests, in percent. The closer to the end, the denser. */
export const percents = [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 92, 94, 95, 96, 97, 98, 99, 99.5, 99.8, 99.9, 100];

/** The number of the slice that is now, for users.
 * @param {number} durationSeconds */
export function now(durationSeconds) {
  return String(Math.floor((Date.now() - exec.scenario.startTime) / (1000 * secondsOf(durationSeconds))));
}

/** Names of the metrics' parts.
 * @param {string[]} kinds
 * @param {number} durationSeconds
 * @returns {string[]} */
export function parts(kinds, durationSeconds) {
  const count = Math.ceil(durationSeconds / secondsOf(durationSeconds));
  return Array.from({ length: count }, (_, i) => i).flatMap((i) => [
    `faults{slice:${i}}`,
    ...kinds.map((kind) => `http_req_duration{kind:${kind},slice:${i}}`),
  ]);
}

const part = /^(?:faults\{|http_req_duration\{kind:([^,]+),)slice:(\d+)\}$/;

/** The slices of a summary's metrics, and the metrics without them.
 * @template {{ values: Record<string, number> }} Metric
 * @param {Record<string, Metric>} all
 * @param {number} durationSeconds
 * @returns {{ metrics: Record<string, Metric>, slices: Slices }} */
export function apart(all, durationSeconds) {
  /** @type {Slices} */
  const slices = { seconds: secondsOf(durationSeconds), shares: percents.map((p) => p / 100), took: {}, faults: [] };
  /** @type {Record<string, Metric>} */
  const metrics = {};
  for (const [name, metric] of Object.entries(all)) {
    const [whole, kind, number] = part.exec(name) ?? [];
    if (whole === undefined) metrics[name] = metric;
    else if (kind) addTook((slices.took[kind] ??= []), Number(number), metric.values);
    else addFaults(slices.faults, Number(number), metric.values);
  }
  return { metrics, slices };
}

/** @param {number[][]} rows
 * @param {number} number
 * @param {Record<string, number>} values */
function addTook(rows, number, values) {
  if (values.count) rows.push([number, values.count, ...percents.map((p) => at(values, p))]);
}

/** @param {number[][]} rows
 * @param {number} number
 * @param {Record<string, number>} values */
function addFaults(rows, number, values) {
  const wrong = values.passes ?? 0;
  const answers = wrong + (values.fails ?? 0);
  if (answers > 0) rows.push([number, wrong, answers]);
}

/** A percentile in hundredths of a millisecond.
 * @param {Record<string, number>} values
 * @param {number} percent */
function at(values, percent) {
  const named = { 0: values.min, 100: values.max }[percent] ?? values[`p(${percent})`] ?? 0;
  return Math.round(named * 100) / 100;
}
