// Makes infra/docs/report.png, the README's picture: a run's report from its top to the end of the ladder.
//
//   node --import tsx infra/docs/report-picture.ts results/runs/latest
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser } from '../../results/fixtures/browser.ts';

const [, , run] = process.argv;
if (run === undefined) {
  process.stderr.write('which run?\n  next: node --import tsx infra/docs/report-picture.ts results/runs/latest\n');
  process.exit(2);
}
await using browser = new Browser();
const page = await browser.open(join(run, 'report.html'), { width: 1200 });
const height = await page.evaluate<number>(
  "document.querySelector('#ladder figure').getBoundingClientRect().bottom + scrollY + 24",
);
await page.screenshot(fileURLToPath(new URL('report.png', import.meta.url)), { height: Math.ceil(height) });
