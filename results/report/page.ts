import type { Run } from '../run-schema.ts';
import { environmentSection } from './environment.ts';
import { failures } from './failures.ts';
import { headline, headlineText } from './headline.ts';
import { knownSection } from './known-section.ts';
import { ladderSection, type Curves } from './ladder-section.ts';
import { metricsSection } from './metrics-section.ts';
import { scalingSection } from './scaling-section.ts';
import { pageText } from './shell.ts';
import { splitSection } from './split-section.ts';
import { verdictSection } from './verdict-section.ts';

/** The run as one HTML file that needs nothing else. */
export function reportPage(run: Run, curves: Curves): string {
  return pageText({
    title: `${headlineText(run).text}: ioreqlab ${run.id}`,
    subject: run.id,
    headline: headline(run),
    sections: [
      ['failures', 'What went wrong', failures(run)],
      ['ladder', 'Ladder', ladderSection(run, curves)],
      ['split', 'Split', splitSection(run)],
      ['scaling', 'Scaling', scalingSection(run)],
      ['metrics', 'Measurements', metricsSection(run)],
      ['known', 'Known', knownSection(run)],
      ['verdicts', 'Verdicts', verdictSection(run)],
      ['environment', 'Environment', environmentSection(run)],
    ],
    footer: `Made from run.json by ioreqlab ${run.ioreqlab?.version ?? ''}. This file needs no network.`,
  });
}
