import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { html, trusted, type Html } from './html.ts';

/** In the order in which they must stand: the last may override. */
const STYLES = ['colors', 'page', 'verdicts', 'tables', 'pictures', 'media'];

/** A part of a page: its id and what the navigation calls it; nothing where it has nothing to show. */
export type Section = readonly [id: string, name: string, content: Html | undefined];

/** What a page consists of. */
export interface Page {
  /** Of the window. */
  readonly title: string;
  /** Beside the name of the project: a run's id, or what the page is about. */
  readonly subject: string;
  /** Heading and what stands below it. */
  readonly headline: Html;
  readonly sections: readonly Section[];
  readonly footer: string;
}

function fileText(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

/**
 * One HTML file that needs nothing else: no network, no other file. Its policy forbids whatever it does not contain itself,
 * so that text from a guest which slipped through the escaping could still load and run nothing.
 */
export function pageText({ title, subject, headline, sections, footer }: Page): string {
  const style = trusted(`<style>${STYLES.map((name) => fileText(`style/${name}.css`)).join('\n')}</style>`);
  const script = fileText('client.js');
  // Of exactly what stands between the tags.
  const hash = createHash('sha256').update(script).digest('base64');
  // Charts and cards carry inline styles, which only 'unsafe-inline' allows.
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const present = sections.filter(([, , section]) => section !== undefined);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <header class="top">
          <strong>ioreqlab</strong><span class="id mono">${subject}</span>
          <nav>${present.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav>
        </header>
        <main>
          ${headline} ${present.map(([, , section]) => section)}
          <footer>${footer}</footer>
        </main>
        ${trusted(`<script>${script}</script>`)}
      </body>
    </html>`;
  return `${page.text.trim()}\n`;
}
