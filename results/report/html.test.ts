import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHtml } from '../fixtures/html-check.ts';
import { fileHref, html, trusted } from './html.ts';

describe('a template', () => {
  test('escapes text in content and in attributes', () => {
    expect(html`<b title="${'"\'<'}">${'<&>'}</b>`.text).toBe('<b title="&quot;&#39;&lt;">&lt;&amp;&gt;</b>');
  });

  test('keeps markup, and shows nothing for nothing', () => {
    const items = ['a', 'b'].map((item) => html`<i>${item}</i>`);
    expect(html`${items}${undefined}${false}${null}${0}${trusted('<hr />')}`.text).toBe('<i>a</i><i>b</i>0<hr />');
  });

  test('drops what controls a terminal or turns text around', () => {
    expect(html`${'\u001b[31mred\u0000\u202e'}`.text).toBe('red');
  });

  test('gives the text back to a parser, and no tag of its own', () => {
    const texts = fc.sample(
      fc.string({ unit: fc.constantFrom('<', '>', '&', '"', "'", ';', '#', '/', 'b', ' ', '-', '!') }),
      300,
    );
    const page = html`<main>${texts.map((text) => html`<p title="${text}">${text}</p>`)}</main>`;
    const check = checkHtml(page.text);
    expect(check).toMatchObject({ tags: { main: 1, p: texts.length }, errors: [], open: [], text: texts.join('') });
  });
});

test('a link to a file never is a link to elsewhere', () => {
  const base = 'file:///runs/x/report.html';
  for (const path of ['javascript:alert(1)', 'https://example.org/', '//example.org/a', 'a b/#c?d%2E', '-x']) {
    expect(new URL(fileHref(path), base).href).toMatch(/^file:\/\/\/runs\/x\//);
  }
  expect(fileHref('scenarios/a/h~b=c/x.log')).toBe('./scenarios/a/h~b%3Dc/x.log');
});
