import { isBad } from '../verdict-rows.ts';
import type { Verdict } from '../verdict.ts';
import { html, type Html } from './html.ts';

/** A verdict as a label; filled for what somebody has to look at, so that colour is not all that tells it. */
export function chip(verdict: Verdict): Html {
  const weight = isBad(verdict) ? 'solid' : verdict === 'pass' ? 'quiet' : '';
  return html`<span class="chip ${weight}" data-verdict="${verdict}">${LABELS[verdict]}</span>`;
}

/** For people; the names in `run.json` are for programs. */
export const LABELS: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  known: 'known',
  skip: 'skip',
  flaky: 'flaky',
  error: 'error',
  fail: 'fail',
  crash: 'crash',
  notRun: 'not run',
};
