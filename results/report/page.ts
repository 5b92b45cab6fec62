import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Run } from '../run-schema.ts';
import { environmentSection } from './environment.ts';
import { failures } from './failures.ts';
import { headline, headlineText } from './headline.ts';
import { html, trusted, type Html } from './html.ts';
import { knownSection } from './known-section.ts';
import { ladderSection, type Curves } from './ladder-section.ts';
import { metricsSection } from './metrics-section.ts';
import { verdictSection } from './verdict-section.ts';

/** In the order in which they must stand: the last may override. */
const STYLES = ['colors', 'page', 'verdicts', 'tables', 'pictures', 'media'];

function fileText(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

/**
 * The run as one HTML file that needs nothing else: no network, no other file. Its policy forbids whatever it does not contain
 * itself, so that text from a guest which slipped through the escaping could still load and run nothing.
 */
export function reportPage(run: Run, curves: Curves): string {
  const style = trusted(`<style>${STYLES.map((name) => fileText(`style/${name}.css`)).join('\n')}</style>`);
  const script = fileText('client.js');
  // Of exactly what stands between the tags.
  const hash = createHash('sha256').update(script).digest('base64');
  // Charts and cards carry inline styles, which only 'unsafe-inline' allows.
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const sections: readonly (readonly [string, string, Html | undefined])[] = [
    ['failures', 'What went wrong', failures(run)],
    ['known', 'Known', knownSection(run)],
    ['ladder', 'Ladder', ladderSection(run, curves)],
    ['metrics', 'Measurements', metricsSection(run)],
    ['verdicts', 'Verdicts', verdictSection(run)],
    ['environment', 'Environment', environmentSection(run)],
  ];
  const present = sections.filter(([, , section]) => section !== undefined);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${headlineText(run).text}: ioreqlab ${run.id}</title>
        ${style}
      </head>
      <body>
        <header class="top">
          <strong>ioreqlab</strong><span class="id mono">${run.id}</span>
          <nav>${present.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav>
        </header>
        <main>
          ${headline(run)} ${present.map(([, , section]) => section)}
          <footer>Made from run.json by ioreqlab ${run.ioreqlab?.version}. This file needs no network.</footer>
        </main>
        ${trusted(`<script>${script}</script>`)}
      </body>
    </html>`;
  return `${page.text.trim()}\n`;
}
