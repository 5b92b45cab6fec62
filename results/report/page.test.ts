import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkHtml, type HtmlCheck } from '../fixtures/html-check.ts';
import { SAMPLE_NOTE, writeSampleRun } from '../fixtures/sample-run.ts';
import { hostOf, rungOf, runOf, scenarioOf } from '../fixtures/small-run.ts';
import { headlineText } from './headline.ts';
import { reportPage } from './page.ts';

let page = '';
let check: HtmlCheck;

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'ioreqlab-results-'));
  try {
    const { directory } = await writeSampleRun({ root, samples: 2000 });
    page = readFileSync(join(directory, 'report.html'), 'utf8');
    check = checkHtml(page);
  } finally {
    rmSync(root, { recursive: true });
  }
});

describe('the report of a whole run', () => {
  test('is a well-formed page that needs nothing but itself', () => {
    expect(check).toMatchObject({ errors: [], open: [], handlers: [] });
    expect(check.tags).toMatchObject({ html: 1, script: 1, style: 1, h1: 1 });
    for (const element of ['link', 'img', 'iframe', 'object', 'form', 'base'])
      expect(check.tags).not.toHaveProperty(element);
    for (const link of check.links) expect(link).toMatch(/^(?:#\w|\.\/scenarios\/)/);
    // The names of SVG's namespaces are the only addresses, and its clip paths the only references.
    const names = /xmlns(?::xlink)?="http:\/\/www\.w3\.org\/(?:2000\/svg|1999\/xlink)"/g;
    expect(page.replace(names, '').match(/https?:|@import|url\((?!#)/)).toBeNull();
  });

  test('allows its own script and no other', () => {
    const script = /<script>(?<code>[^]*?)<\/script>/.exec(page)?.groups?.['code'] ?? '';
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = /Content-Security-Policy" content="(?<policy>[^"]*)"/.exec(page)?.groups?.['policy'];
    expect(policy?.replaceAll('&#39;', "'")).toContain(
      `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}';`,
    );
  });

  test('shows verdicts, failures with what to do, the ladder, the environment, and that it is a sample', () => {
    const { text } = check;
    for (const shown of [
      SAMPLE_NOTE,
      '1 crashed, 1 failed, 1 without a verdict, 1 not run',
      'operation 5 of vCPU 0 read 0x0000beef',
      'ioreqlab minimize latest memory/string',
      'ORACLE_MISMATCH',
      'ts-spin / qemu',
      'xen.commandLine',
      '6.12.12-amd64',
      'guest-console.log',
    ]) {
      expect(text).toContain(shown);
    }
  });
});

test('nothing from a run becomes markup', () => {
  const evil = '"\'><script>alert(1)</script><img src=x onerror=alert(1)>';
  const error = { blame: 'guest', code: evil, message: evil, next: evil, evidence: evil } as const;
  const host = hostOf({
    name: evil,
    xen: { version: evil },
    env: { [evil]: evil },
    phases: [{ name: evil, durationMs: 1 }],
    error,
  });
  const given = { host: evil, id: evil, title: evil, params: { [evil]: evil }, reason: evil };
  const metrics = [rungOf(evil, 5), rungOf('ts', 7)];
  const artifacts = [{ path: `scenarios/${evil.replaceAll('/', '')}`, bytes: 1 }];
  const run = runOf(
    [
      scenarioOf({ ...given, verdict: 'fail', error, earlierErrors: [error], metrics, artifacts }),
      scenarioOf({ ...given, verdict: 'skip', params: {}, metrics }),
      scenarioOf({ ...given, verdict: 'known', known: [{ reason: evil, source: evil, seen: evil }] }),
      scenarioOf({ ...given, verdict: 'flaky', attempts: 2, earlierErrors: [error], repetition: 2 }),
    ],
    {
      hosts: [host, hostOf()],
      notes: [evil],
      command: [evil],
      ioreqlab: { version: evil, commit: evil },
      phases: [{ name: evil, durationMs: 1 }],
    },
  );
  const check = checkHtml(reportPage(run, new Map()));
  expect(check).toMatchObject({ errors: [], open: [], handlers: [] });
  expect(check.tags['script']).toBe(1);
  expect(check.tags).not.toHaveProperty('img');
  for (const link of check.links) expect(link).toMatch(/^(?:#\w|\.\/scenarios\/)/);
});

test('what is known is said once, with where it was seen and how', () => {
  const known = [{ reason: 'reads half', source: 'XSA-1', seen: 'expected 1 to be 2' }];
  const records = [scenarioOf({ verdict: 'known', known }), scenarioOf({ id: 'a/b', verdict: 'known', known })];
  const { text } = checkHtml(reportPage(runOf(records), new Map()));
  expect(text.split('reads half (XSA-1)')).toHaveLength(2);
  for (const shown of ['2 results', 'port-io/widths, a/b', 'expected 1 to be 2']) expect(text).toContain(shown);
});

test('what was measured besides the ladder has a table of its own', () => {
  const other = rungOf('x', 123_456, { name: 'buffered.rate', unit: 'perSecond', kind: 'wall', max: 234_567 });
  const { text, tags } = checkHtml(
    reportPage(runOf([scenarioOf({ id: 'performance/buffered', metrics: [other] })]), new Map()),
  );
  for (const shown of ['Measurements', 'buffered.rate', 'perSecond (wall)', '123,456', '234,567'])
    expect(text).toContain(shown);
  expect(tags).not.toHaveProperty('svg');
});

describe('a run with little in it', () => {
  test.each([
    ['nothing selected', runOf([]), 'Nothing was selected'],
    ['all skipped', runOf([scenarioOf({ verdict: 'skip' })]), 'Everything was skipped'],
    ['all passed', runOf([scenarioOf()]), 'All passed'],
    ['some known', runOf([scenarioOf(), scenarioOf({ verdict: 'known' })]), 'Nothing failed'],
    [
      'a broken host',
      runOf([], { hosts: [hostOf({ error: { blame: 'host', code: 'X', message: 'no SSH' } })] }),
      'A host could not be used',
    ],
    ['no host at all', runOf([], { hosts: [] }), 'Nothing was selected'],
  ])('%s', (_name, run, heading) => {
    const check = checkHtml(reportPage(run, new Map()));
    expect(check).toMatchObject({ errors: [], open: [], tags: { h1: 1 } });
    expect(check.text).toContain(heading);
    expect(headlineText(run).text).toBe(heading);
  });
});
