import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostOf, rungOf, runOf, scenarioOf } from './fixtures/small-run.ts';
import { elementsOf, xmlTrees, type XmlTree } from './fixtures/xml-tree.ts';
import { junitXml } from './junit.ts';
import type { Run } from './run-schema.ts';
import { xmlAttribute, xmlText } from './text/xml.ts';

const problem = {
  blame: 'guest',
  code: 'MISMATCH',
  message: 'read 1, not 2',
  next: 'ioreqlab show latest',
  evidence: '- 2\n+ 1',
} as const;

function junitOf(run: Run): XmlTree {
  const [tree] = xmlTrees([junitXml(run)]);
  if (tree === undefined) throw new Error('no document');
  return tree;
}

function propertiesOf(tree: XmlTree): Record<string, string> {
  const entries = elementsOf(tree.children.find(({ name }) => name === 'properties') ?? tree, 'property');
  return Object.fromEntries(entries.map(({ attributes }) => [attributes['name'] ?? '', attributes['value'] ?? '']));
}

describe('JUnit XML', () => {
  test('has a suite per host with its environment', () => {
    const hosts = [
      hostOf({
        name: 'a',
        xen: { version: '4.20.4', changeset: 'abc' },
        dom0: { kernel: '6.12' },
        env: { 'cpu.count': 2 },
      }),
      hostOf({ name: 'b', timing: 'wall' }),
    ];
    const tree = junitOf(
      runOf([scenarioOf({ host: 'a' }), scenarioOf({ host: 'b' }), scenarioOf({ host: 'b', id: 'x' })], { hosts }),
    );
    expect(tree.attributes).toMatchObject({ name: 'ioreqlab', time: '90.000' });
    const suites = elementsOf(tree, 'testsuite');
    expect(suites.map(({ attributes }) => [attributes['name'], attributes['tests'], attributes['time']])).toEqual([
      ['a', '1', '0.120'],
      ['b', '2', '0.240'],
    ]);
    expect(suites.map((suite) => propertiesOf(suite))).toEqual([
      {
        'run.id': '20261122T141503Z-k3f9qt',
        'host.kind': 'emulated',
        'host.timing': 'exact',
        'xen.version': '4.20.4',
        'xen.changeset': 'abc',
        'dom0.kernel': '6.12',
        'cpu.count': '2',
      },
      { 'run.id': '20261122T141503Z-k3f9qt', 'host.kind': 'emulated', 'host.timing': 'wall' },
    ]);
  });

  test('tells failures, errors, skips and passes apart', () => {
    const tree = junitOf(
      runOf([
        scenarioOf({ id: 'pass' }),
        scenarioOf({ id: 'known', verdict: 'known', reason: 'documented' }),
        scenarioOf({ id: 'skip', verdict: 'skip', reason: 'needs QEMU' }),
        scenarioOf({ id: 'flaky', verdict: 'flaky', attempts: 2, earlierErrors: [problem] }),
        scenarioOf({ id: 'error', verdict: 'error', error: { ...problem, blame: 'host' } }),
        scenarioOf({ id: 'fail', verdict: 'fail', error: problem }),
        scenarioOf({ id: 'crash', verdict: 'crash', crashed: 'xen', error: problem }),
        scenarioOf({ id: 'notRun', verdict: 'notRun', reason: 'h broke' }),
      ]),
    );
    const [suite] = elementsOf(tree, 'testsuite');
    expect(suite?.attributes).toMatchObject({ tests: '8', failures: '2', errors: '1', skipped: '2' });
    const outcomes = elementsOf(tree, 'testcase').map(({ attributes, children }) => [
      attributes['name'],
      ...children
        .filter(({ name }) => name !== 'properties')
        .map((child) => [child.name, child.attributes['message'] ?? child.text]),
    ]);
    const earlier = 'flaky: passed only when repeated\nattempt 1: read 1, not 2\nnext: ioreqlab show latest\n- 2\n+ 1';
    expect(outcomes).toEqual([
      ['pass'],
      ['known', ['system-out', 'known: documented']],
      ['skip', ['skipped', 'needs QEMU']],
      ['flaky', ['system-out', earlier]],
      ['error', ['error', 'read 1, not 2']],
      ['fail', ['failure', 'read 1, not 2']],
      ['crash', ['failure', 'read 1, not 2']],
      ['notRun', ['skipped', 'not run: h broke']],
    ]);
    const [fail, crash] = elementsOf(tree, 'failure');
    expect(fail).toMatchObject({
      attributes: { type: 'fail (blame: guest, MISMATCH)' },
      text: 'read 1, not 2\nnext: ioreqlab show latest\n- 2\n+ 1',
    });
    expect(crash?.attributes['type']).toBe('crash of xen (blame: guest, MISMATCH)');
  });

  test('names topic, scenario, params, and medians', () => {
    const record = scenarioOf({
      id: 'performance/ladder',
      params: { environment: 'pvh' },
      repetition: 2,
      metrics: [rungOf('ts', 41_690)],
    });
    const [testCase] = elementsOf(junitOf(runOf([record])), 'testcase');
    expect(testCase?.attributes).toMatchObject({
      classname: 'performance',
      name: 'ladder [environment=pvh #2]',
      time: '0.120',
    });
    expect(propertiesOf(testCase ?? junitOf(runOf([])))).toEqual({
      verdict: 'pass',
      'ladder.ts.p50': '41690 instructions (exact)',
      'ladder.ts.p99': '41690 instructions (exact)',
    });
  });

  test('makes a host that broke an error, so that nobody takes what was not run for a good run', () => {
    const hosts = [hostOf({ error: { ...problem, blame: 'host', message: 'no SSH' } })];
    const tree = junitOf(runOf([scenarioOf({ verdict: 'notRun', attempts: 0 })], { hosts }));
    expect(elementsOf(tree, 'testsuite')[0]?.attributes).toMatchObject({ tests: '2', errors: '1', skipped: '1' });
    expect(elementsOf(tree, 'error')[0]?.attributes['message']).toBe('no SSH');
  });

  test('is well-formed whatever a guest says', () => {
    const evil = '</failure>]]><!--&amp;\0\u001b[31m\ufffe\ud800<?xml?>"\'';
    const error = { blame: 'guest', code: 'X', message: evil, next: evil, evidence: evil.repeat(1000) } as const;
    const scenarios = [
      scenarioOf({ id: '<&">', params: { '<&">': ']]>' }, verdict: 'fail', error }),
      scenarioOf({ verdict: 'known', reason: evil }),
      scenarioOf({ verdict: 'skip', reason: evil }),
    ];
    const tree = junitOf(runOf(scenarios, { hosts: [hostOf({ env: { [`k"<`]: evil }, error })] }));
    expect(elementsOf(tree, 'testcase')).toHaveLength(4);
    expect(elementsOf(tree, 'failure')[0]?.attributes['message']).toContain('</failure>]]><!--&amp;');
  });
});

test('any text survives XML, but for what XML cannot hold', () => {
  const texts = fc.sample(fc.string({ unit: 'binary' }), 150);
  texts.push('\r\n\t ]]> &lt; "\'', '\ud800', '\u0085\u2028', '\ufffe\uffff', '\0\b\u000b\u000c\u001f');
  const trees = xmlTrees(texts.map((text) => `<a b="${xmlAttribute(text)}">${xmlText(text)}</a>`));
  const holdable = texts.map((text) => text.replace(/(?![\t\n\r\u007f-\u009f])\p{Cc}|[\ufffe\uffff]|\p{Cs}/gu, ''));
  expect(trees.map(({ text }) => text)).toEqual(holdable);
  expect(trees.map(({ attributes }) => attributes['b'])).toEqual(holdable);
});
