import type { HostRecord, Metric, Problem, Run, ScenarioRecord } from './run-schema.ts';
import { excerpt, plainLine, plainText } from './text/untrusted-text.ts';
import { variantText } from './verdict-rows.ts';
import { xmlElement } from './text/xml.ts';

/** What CI systems still show and store without complaint. */
const EVIDENCE = { lines: 200, columns: 400 };

/**
 * The run as JUnit XML, in the dialect that GitLab, GitHub's actions and Jenkins share: a suite per host with its environment
 * as properties; `failure` for `fail` and `crash`, `error` for `error`, `skipped` for `skip` and `notRun`. JUnit has no word
 * for `known` and `flaky`: they pass, and say so in their properties and output. A host that broke is an erroneous case of
 * its own, so that scenarios left undone never look like a good run.
 */
export function junitXml(run: Run): string {
  const suites = run.hosts.map((host) => suite(run, host));
  const attributes = { name: 'ioreqlab', time: seconds(Date.parse(run.finishedAt) - Date.parse(run.startedAt)) };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xmlElement('testsuites', attributes, suites)}\n`;
}

function suite(run: Run, host: HostRecord): string {
  const records = run.scenarios.filter((record) => record.host === host.name);
  const cases = records.map(testCase);
  if (host.error !== undefined) cases.unshift(hostCase(host, host.error));
  const having = (...verdicts: ScenarioRecord['verdict'][]): number =>
    records.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const attributes = {
    name: host.name,
    tests: cases.length,
    failures: having('fail', 'crash'),
    errors: having('error') + (host.error === undefined ? 0 : 1),
    skipped: having('skip', 'notRun'),
    time: seconds(records.reduce((sum, { durationMs }) => sum + durationMs, 0)),
    timestamp: run.startedAt.replace(/(?:\.\d+)?Z$/, ''),
  };
  return xmlElement('testsuite', attributes, [properties(environment(run, host)), ...cases]);
}

function environment(run: Run, { kind, timing, xen, dom0, env = {} }: HostRecord): [string, string][] {
  const known = {
    'run.id': run.id,
    'ioreqlab.version': run.ioreqlab?.version,
    'host.kind': kind,
    'host.timing': timing,
  };
  const reached = {
    'xen.version': xen?.version,
    'xen.changeset': xen?.changeset,
    'xen.buildId': xen?.buildId,
    'xen.commandLine': xen?.commandLine,
    'dom0.kernel': dom0?.kernel,
    'dom0.commandLine': dom0?.commandLine,
  };
  return Object.entries({ ...known, ...reached, ...env }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
}

function testCase(record: ScenarioRecord): string {
  const [topic, name] = nameOf(record);
  const attributes = { classname: topic, name, time: seconds(record.durationMs) };
  const told: [string, string][] = [['verdict', record.verdict]];
  if (record.reason !== undefined) told.push(['reason', plainLine(record.reason)]);
  if (record.attempts > 1) told.push(['attempts', String(record.attempts)]);
  const all = [...told, ...record.metrics.flatMap(metricProperties)];
  return xmlElement('testcase', attributes, [properties(all), ...outcome(record), ...output(record)]);
}

/** `port-io/widths` with its params: class `port-io`, name `widths [environment=pvh]`. */
function nameOf(record: ScenarioRecord): [string, string] {
  const slash = record.id.lastIndexOf('/');
  const variant = variantText(record);
  const name = record.id.slice(slash + 1);
  return [slash < 0 ? 'ioreqlab' : record.id.slice(0, slash), variant === '' ? name : `${name} [${variant}]`];
}

function outcome({ verdict, crashed, error, reason }: ScenarioRecord): string[] {
  switch (verdict) {
    case 'pass':
    case 'known':
    case 'flaky':
      return [];
    case 'skip':
      return [xmlElement('skipped', { message: plainLine(reason ?? 'skipped') })];
    case 'notRun':
      return [
        xmlElement('skipped', { message: plainLine(`not run: ${reason ?? error?.message ?? 'the host broke'}`) }),
      ];
    case 'error':
      return [problem('error', 'error', error)];
    case 'fail':
      return [problem('failure', 'fail', error)];
    case 'crash':
      return [problem('failure', `crash of ${crashed ?? 'unknown'}`, error)];
  }
}

function output({ verdict, reason, earlierErrors = [] }: ScenarioRecord): string[] {
  const lines: string[] = [];
  if (verdict === 'known') lines.push(`known: ${plainText(reason ?? 'no reason given')}`);
  if (verdict === 'flaky') lines.push('flaky: passed only when repeated');
  for (const [index, error] of earlierErrors.entries()) lines.push(`attempt ${index + 1}: ${problemText(error)}`);
  return lines.length === 0 ? [] : [xmlElement('system-out', {}, lines.join('\n'))];
}

function hostCase(host: HostRecord, error: Problem): string {
  return xmlElement('testcase', { classname: 'host', name: host.name, time: 0 }, [problem('error', 'host', error)]);
}

function problem(element: 'failure' | 'error', type: string, error: Problem | undefined): string {
  if (error === undefined) return xmlElement(element, { type, message: 'no details were recorded' });
  const attributes = { type: `${type} (blame: ${error.blame}, ${error.code})`, message: plainLine(error.message, 400) };
  return xmlElement(element, attributes, problemText(error));
}

function problemText({ message, next, evidence }: Problem): string {
  const parts = [plainText(message)];
  if (next !== undefined) parts.push(`next: ${plainText(next)}`);
  if (evidence !== undefined) parts.push(excerpt(evidence, EVIDENCE));
  return parts.join('\n');
}

function metricProperties({ name, unit, kind, p50, p99 }: Metric): [string, string][] {
  return [
    [`${name}.p50`, `${p50} ${unit} (${kind})`],
    [`${name}.p99`, `${p99} ${unit} (${kind})`],
  ];
}

function properties(entries: readonly (readonly [string, string])[]): string {
  const each = entries.map(([name, value]) => xmlElement('property', { name, value: plainLine(value, 1000) }));
  return xmlElement('properties', {}, each);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
