import type { Run } from '../run-schema.ts';
import { PARTS, splitsOf, type Part, type Split, type Splits } from '../split.ts';
import { formatNumber } from '../text/format.ts';
import { html, type Html } from './html.ts';
import { place } from './plot.ts';
import { seriesColor } from './palette.ts';

const NAMES: Readonly<Record<Part, string>> = {
  out: 'guest to device model',
  'device-model': 'device model',
  in: 'device model to guest',
};

/** Bars are drawn on this scale and stretched to the width of the page. */
const FULL = 1000;

/** Where the time of a round trip goes: a stacked bar per rung, by the stamps of guest and device model. */
export function splitSection(run: Run): Html | undefined {
  const all = splitsOf(run);
  if (all.length === 0) return undefined;
  return html`<section id="split">
    <h2>Where the time goes</h2>
    <p>
      The round trip of each rung, split by the time stamps of both sides: from the guest's instruction until the device
      model has the request, its answer, and the way back until the guest goes on. Medians of each part.
    </p>
    <ul class="legend">
      ${PARTS.map((part, index) => html`<li><i style="--swatch: ${seriesColor(index)}"></i>${NAMES[part]}</li>`)}
    </ul>
    ${all.map((splits) => picture(splits, all.length > 1))}
  </section>`;
}

function picture({ label, unit, kind, rungs }: Splits, isNamed: boolean): Html {
  const longest = Math.max(...rungs.map(sumOf), Number.MIN_VALUE);
  return html`<figure class="rows">
    <figcaption>${isNamed && html`<b>${label}</b>`} <small>${unit} (${kind} timing)</small></figcaption>
    ${rungs.map((split) => row(split, longest))}
  </figure>`;
}

function row(split: Split, longest: number): Html {
  const { rung, parts, whole } = split;
  let from = 0;
  const total = sumOf(split);
  const bars = PARTS.map((part, index) => {
    const width = (FULL * median(parts[part].p50)) / longest;
    const bar = html`<rect
      x="${place(from)}"
      y="0"
      width="${place(Math.max(width, 0.5))}"
      height="10"
      style="fill: ${seriesColor(index)}"
    >
      <title>${NAMES[part]}: ${formatNumber(parts[part].p50)}</title>
    </rect>`;
    from += width;
    return bar;
  });
  const shares = PARTS.map((part) => html`${NAMES[part]} ${shareText(median(parts[part].p50), total)}`);
  return html`<div class="row">
    <b>${rung}</b>
    <svg
      class="bar"
      xmlns="http://www.w3.org/2000/svg"
      viewBox="0 0 ${FULL} 10"
      preserveAspectRatio="none"
      role="img"
      aria-label="${rung}: ${PARTS.map((part) => `${NAMES[part]} ${formatNumber(parts[part].p50)}`).join(', ')}"
    >
      ${bars}
    </svg>
    <span class="figure" title="median of the whole round trip">${formatNumber(whole?.p50 ?? total)}</span>
    <small
      >${PARTS.map((part, index) => html`${index > 0 && ' · '}${formatNumber(parts[part].p50)} ${shares[index]}`)}</small
    >
  </div>`;
}

/** Clocks that disagree a little can make a short way a negative one, which has no length. */
function median(value: number): number {
  return Math.max(0, value);
}

function sumOf({ parts }: Split): number {
  return PARTS.reduce((sum, part) => sum + median(parts[part].p50), 0);
}

function shareText(value: number, total: number): string {
  return total === 0 ? '' : `(${Math.round((100 * value) / total)} %)`;
}
