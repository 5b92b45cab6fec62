import { plainText } from '../text/untrusted-text.ts';

/** Markup that is safe to put into a page as it is. Only {@link html} and {@link trusted} make it. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text, which is escaped, or markup. Nothing is shown for undefined, null and false. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined | null | false;

/** A template whose values are escaped, in content and in quoted attributes: html`<b title="${name}">${name}</b>`. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings.map((part, index) => part + (index < values.length ? markup(values[index]) : '')).join(''));
}

/** Markup from a source that escapes by itself, or that belongs to this project: never text from a run. */
export function trusted(text: string): Html {
  return new Html(text);
}

function markup(value: HtmlValue): string {
  if (value === undefined || value === null || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(markup).join('');
  return plainText(String(value)).replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A link to a file of the run, relative to the report. A leading `./` keeps a colon in a name from being a scheme. */
export function fileHref(path: string): string {
  return `./${path.split('/').map(encodeURIComponent).join('/')}`;
}
