import { html, type Html } from './html.ts';

/** The heading of a column by which the reader can sort; cells with `data-key` are sorted by that, the others by their text. */
export function heading(text: string, align: 'text' | 'number' = 'text'): Html {
  return html`<th aria-sort="none" class="${align === 'number' && 'number'}">
    <button type="button">${text}</button>
  </th>`;
}
