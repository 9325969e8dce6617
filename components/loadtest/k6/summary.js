import { apart } from './slices.js';

/**
 * @typedef {object} Summary what k6 hands over at the end
 * @property {Record<string, { type: string, contains: string, values: Record<string, number>, thresholds?: Record<string, { ok: boolean }> }>} metrics
 * @property {{ testRunDurationMs: number }} state
 * @property {{ checks: { name: string, passes: number, fails: number }[] }} root_group
 *
 * @typedef {object} Run
 * @property {import('./config.js').Scenario} scenario
 * @property {Record<string, string>} environment
 * @property {{ index: number, job: string, pod: string, node: string, program: string }} generator
 *
 * @typedef {object} Verdict
 * @property {string} metric
 * @property {string} threshold
 * @property {number | null} value null where nothing was measured
 * @property {boolean} ok
 */

/** A result that stands for itself: the run, what it ran under, the verdicts and every metric.
 * @param {Run} run
 * @param {Summary} data
 * @param {string} endedAt */
export function resultOf(run, data, endedAt) {
  const thresholds = verdicts(data);
  const { metrics, slices } = apart(data.metrics, run.scenario.durationSeconds);
  return {
    version: 4,
    scenario: run.scenario,
    generator: run.generator,
    environment: run.environment,
    beganAt: instant(data, 'load_began'),
    loadEndedAt: instant(data, 'load_ended'),
    endedAt,
    durationMillis: data.state.testRunDurationMs,
    passed: ran(data) && thresholds.every((t) => t.ok),
    thresholds,
    checks: data.root_group.checks.map(({ name, passes, fails }) => ({
      name,
      passes,
      fails,
    })),
    metrics,
    slices,
  };
}

/** Whether there is anything to judge: a run that was refused keeps every threshold.
 * @param {Summary} data */
function ran(data) {
  return (data.metrics.iterations?.values.count ?? 0) > 0;
}

/** When load began or ended; null when it did not.
 * @param {Summary} data
 * @param {string} metric */
function instant(data, metric) {
  const at = data.metrics[metric]?.values.value;
  return at ? new Date(at).toISOString() : null;
}

/** @param {Summary} data
 * @returns {Verdict[]} */
function verdicts(data) {
  return Object.entries(data.metrics)
    .flatMap(([metric, { values, thresholds }]) =>
      Object.entries(thresholds ?? {}).map(([threshold, { ok }]) => ({
        metric,
        threshold,
        value: measured(values, threshold),
        ok,
      })),
    )
    .sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

/** The value that a threshold such as p(95)<2000 is about. k6 gives 0 for a percentile or a rate of no samples; of a count
 * nothing is 0.
 * @param {Record<string, number>} values
 * @param {string} threshold */
function measured(values, threshold) {
  const statistic = threshold.replace(/\s*[<>=!].*$/, '');
  if (statistic === 'count') return values.count ?? 0;
  const samples = values.count ?? (values.passes ?? 0) + (values.fails ?? 0);
  return samples > 0 ? (values[statistic] ?? null) : null;
}

/** @param {ReturnType<typeof resultOf>} result */
function verdictOf(result) {
  if (result.passed) return 'thresholds kept';
  return result.thresholds.every((t) => t.ok) ? 'NOTHING RAN' : 'THRESHOLDS MISSED';
}

/** The result for people: the verdicts, then the checks that failed.
 * @param {ReturnType<typeof resultOf>} result */
export function reportOf(result) {
  const { scenario, generator, thresholds, checks } = result;
  const rows = thresholds.map((t) => [
    t.ok ? 'kept' : 'MISSED',
    t.metric,
    t.threshold,
    t.value === null ? 'nothing measured' : String(Math.round(t.value * 1000) / 1000),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
  const failed = checks.filter((c) => c.fails > 0).map((c) => `  ${c.fails} of ${c.passes + c.fails}: not "${c.name}"`);
  return [
    `${scenario.name}: ${verdictOf(result)} after ${Math.round(result.durationMillis / 1000)} s, generator ${generator.index + 1} of ${scenario.generators}`,
    ...lines,
    ...(failed.length > 0 ? ['checks that failed:', ...failed] : []),
    '',
  ].join('\n');
}
